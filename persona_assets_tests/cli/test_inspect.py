"""`persona inspect` at a prompt: what is printed and written, and what never is."""

import json
import sys
import tomllib

import pytest

from persona_assets.cli.main import main

ROWS = "email,sku,action,time,qty\n" + "".join(
    f"ann.smith{n}@example.org,art-77{n},buy,{14 + n}.05.2024 10:00,1\n" for n in range(3)
)


@pytest.fixture
def persona(tmp_path, monkeypatch, capsys):
    """persona(*arguments) → exit code, standard output, standard error; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERSONA_HOME", str(tmp_path / "home"))
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "events.csv").write_text(ROWS)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["persona", *arguments])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_draft_is_written_and_its_own_advice_works(persona, tmp_path):
    code, out, _ = persona("inspect", "exports")
    assert code == 0
    assert all(len(line) <= 80 for line in out.splitlines())
    assert "persona check --path exports --mapping shop.toml" in out
    draft = tmp_path / "shop.toml"
    assert tomllib.loads(draft.read_text())["events"]["user_id"] == "email"
    draft.write_text(draft.read_text().replace("# consent = true", "consent = true"))
    code, out, _ = persona("check", "--path", "exports", "--mapping", "shop.toml", "--json")
    assert code == 0
    assert json.loads(out)["range"] == ["2024-05-14", "2024-05-16"]
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_there_is_not_replaced_unless_asked(persona, tmp_path):
    (tmp_path / "shop.toml").write_text("mine")
    code, out, err = persona("inspect", "exports")
    assert (code, out) == (2, "")
    assert "--force" in err
    assert (tmp_path / "shop.toml").read_text() == "mine"
    assert persona("inspect", "exports", "--force")[0] == 0
    assert (tmp_path / "shop.toml").read_text() != "mine"


def test_json_is_json_alone_and_writes_only_where_told(persona, tmp_path):
    code, out, _ = persona("inspect", "exports", "--json")
    found = json.loads(out)
    assert code == 0
    assert not (tmp_path / "shop.toml").exists()
    assert tomllib.loads(found["draft"])["events"]["timestamp"] == "time"
    assert found["check"]["rows"] == 3
    assert found["tables"][0]["columns"][2]["events"] == {"buy": {"rows": 3, "ours": "purchase"}}
    persona("inspect", "exports", "--json", "--output", "mine.toml")
    assert (tmp_path / "mine.toml").read_text() == found["draft"]


def test_nobody_is_named(persona, tmp_path):
    for arguments in (("inspect", "exports"), ("inspect", "exports", "--json")):
        _, out, err = persona(*arguments)
        for secret in ("smith", "example.org", "art-77"):
            assert secret not in out + err
    assert "smith" not in (tmp_path / "shop.toml").read_text()


def test_what_is_not_there_is_one_message(persona):
    code, out, err = persona("inspect", "nowhere")
    assert (code, out) == (2, "")
    assert "there is no file or folder nowhere" in err

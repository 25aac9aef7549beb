import os
import stat
import subprocess
import sys

import pytest

from persona_assets import hash_key
from persona_assets.errors import UserError


def test_the_key_is_made_once_for_its_owner_only(tmp_path):
    home = tmp_path / "new" / "home"
    key = hash_key.of(home)
    assert len(key) == 64
    assert hash_key.of(home) == key
    assert stat.S_IMODE((home / "hash_key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["hash_key"]


def test_homes_have_different_keys(tmp_path):
    assert hash_key.of(tmp_path / "a") != hash_key.of(tmp_path / "b")


def test_a_key_put_there_by_the_shop_is_used_as_it_is(tmp_path):
    (tmp_path / "hash_key").write_bytes(b"sixteen bytes...")
    assert hash_key.of(tmp_path) == b"sixteen bytes..."


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 65])
def test_a_damaged_key_is_refused_and_never_replaced(tmp_path, content):
    (tmp_path / "hash_key").write_bytes(content)
    with pytest.raises(UserError, match=rf"hash_key has {len(content)} bytes.*restore it") as error:
        hash_key.of(tmp_path)
    assert (tmp_path / "hash_key").read_bytes() == content
    assert "xxxx" not in str(error.value)


def test_a_run_that_dies_before_the_key_is_whole_leaves_none(tmp_path, monkeypatch):
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "link", die)
        hash_key.of(tmp_path)
    assert len(hash_key.of(tmp_path)) == 64


def test_a_home_that_is_a_file_is_named_with_its_remedy(tmp_path):
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot make or read the key .*PERSONA_HASH_KEY"):
        hash_key.of(tmp_path / "home")


def test_processes_that_begin_at_once_share_one_key(tmp_path):
    code = (
        "import sys; from pathlib import Path; from persona_assets import hash_key; "
        "print(flush=True); sys.stdin.readline(); print(hash_key.of(Path(sys.argv[1])).decode())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    keys = {process.communicate()[0] for process in processes}
    assert len(keys) == 1
    assert keys.pop().strip() == hash_key.of(tmp_path).decode()

import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from persona_assets import settings as settings_module
from persona_assets.errors import UserError
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.settings import (
    FILE_NAME,
    PUBLIC_HASH_KEY,
    Settings,
    SourceSettings,
    load,
    save,
)
from persona_assets.transforms.cleaning import DEFAULT_WEIGHTS

SECRET = "a secret of 24 characters"
SOURCE = "[source]\nname = 'synthetic'\nstart = 2025-01-01\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def loaded(home: Path, text: str | None = None, **environment: str) -> Settings:
    """Settings of `home` with `text` as its file and `environment` as PERSONA_ variables."""
    if text is not None:
        home.mkdir(exist_ok=True)
        (home / FILE_NAME).write_text(text, encoding="utf-8")
    variables = {f"PERSONA_{name}": value for name, value in environment.items()}
    return load({"PERSONA_HOME": str(home), "PATH": "/bin", **variables})


def test_without_a_file_and_variables_everything_has_its_default(home):
    assert loaded(home) == Settings(home=home)
    assert not home.exists(), "reading settings makes nothing"


def test_environment_over_file_over_default(home):
    text = "top_k = 20\nseed = 11\nexclude = 'none'\n[event_weights]\nview = 2.0\n"
    from_file = loaded(home, text)
    assert (from_file.top_k, from_file.seed, from_file.exclude) == (20, 11, "none")
    # Weights that a file does not name keep their default: each event type has one.
    assert from_file.event_weights == DEFAULT_WEIGHTS | {"view": 2.0}
    over = loaded(home, None, TOP_K="5", EXCLUDE="seen", EVENT_WEIGHTS="view=7, purchase=9")
    assert (over.top_k, over.seed, over.exclude) == (5, 11, "seen")
    assert over.event_weights == DEFAULT_WEIGHTS | {"view": 7.0, "purchase": 9.0}
    assert loaded(home, None, SEED="3").seed == 3


def test_the_segmentation_is_configured_field_by_field(home):
    from_file = loaded(home, "[segmentation]\nk = 5\noutlier_share = 0\n")
    assert from_file.segmentation == SegmentationConfig(k=5, outlier_share=0)
    # As with the other settings, the variable stands in place of the file.
    over = loaded(home, None, SEGMENTATION='{"most_k": 6, "explained_variance": 0.8}')
    assert over.segmentation == SegmentationConfig(most_k=6, explained_variance=0.8)


def test_where_mlflow_is_set_it_is_known_and_stays_out_of_the_file(home):
    kept = load({"PERSONA_HOME": str(home), "MLFLOW_TRACKING_URI": "http://u:hush@there"})
    assert kept.tracking_uri == "http://u:hush@there"
    save(kept)
    assert "hush" not in repr(kept) + (home / FILE_NAME).read_text()


def test_an_empty_variable_counts_as_not_set(home):
    empty = {name.removeprefix("PERSONA_"): "" for name in settings_module.ENVIRONMENT}
    del empty["HOME"]
    assert loaded(home, "top_k = 20", **empty).top_k == 20


def test_the_lake_lies_in_the_home_unless_it_is_named(home):
    assert loaded(home).lake_root == str(home / "lake")
    options = '{"region": "eu-1", "timeout": 30}'
    elsewhere = loaded(home, None, LAKE="s3://shop/lake", STORAGE_OPTIONS=options)
    assert elsewhere.lake_root == "s3://shop/lake"
    assert elsewhere.storage_options.items() >= {"region": "eu-1", "timeout": "30"}.items()


def test_where_spark_runs_and_with_what_comes_from_the_environment(home):
    assert (loaded(home).spark_master, loaded(home).spark_conf) == ("", {})
    conf = '{"spark.executor.memory": "8g", "spark.ui.enabled": true, "spark.cores.max": 4}'
    found = loaded(
        home, ENGINE="spark", SPARK_MASTER="spark://h:7077", SPARK_CONF=conf, SPARK_JARS="provided"
    )
    assert (found.engine, found.spark_master) == ("spark", "spark://h:7077")
    assert found.spark_jars == "provided"
    assert found.spark_conf == {
        "spark.executor.memory": "8g",
        "spark.ui.enabled": "true",
        "spark.cores.max": "4",
    }


def test_a_relative_home_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load({}).home == tmp_path / ".persona"
    assert load({"PERSONA_HOME": "shop"}).home == tmp_path / "shop"


def test_variables_of_others_are_none_of_our_business(home):
    load({"PERSONA_HOME": str(home), "PERSONAL": "x", "MY_PERSONA_HOME": "y"})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TOPK", "unset it, or did you mean PERSONA_TOP_K?"),
        ("HASHKEY", "did you mean PERSONA_HASH_KEY?"),
        ("XYZZY_QUUX_42", "known: .*PERSONA_ENGINE, .*PERSONA_TOP_K"),
    ],
)
def test_an_unknown_variable_is_refused_with_a_suggestion(home, name, said):
    with pytest.raises(UserError, match=rf"unknown setting PERSONA_{name} .*{said}"):
        loaded(home, None, **{name: "1"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TOP_K", "many", "PERSONA_TOP_K='many' is not a whole number; set one"),
        ("TOP_K", "2.5", "not a whole number"),
        ("TOP_K", "0", "top_k must be .* at least 1, got 0; pass a positive"),
        ("TOP_K", "-3", "got -3; pass"),
        ("SEED", "x", "PERSONA_SEED='x' is not a whole number; set one"),
        (
            "RETENTION_DAYS",
            "0",
            "retention_days must be .* from 1 to 99999, got 0: .*change PERSONA_RET",
        ),
        ("SEED", "-1", "seed must be .* from 0 .*got -1; correct PERSONA_SEED"),
        ("SEED", str(2**32), "seed must be .*correct"),
        ("EXCLUDE", "some", "exclude is 'some'; use one of seen, bought"),
        ("ENGINE", "duckdb", "PERSONA_ENGINE is 'duckdb'; use polars or spark"),
        ("EVENT_WEIGHTS", "view", "'view' is not name=number; write e.g. view=1"),
        ("EVENT_WEIGHTS", "view=1,", "'' is not name=number; write"),
        ("EVENT_WEIGHTS", "view=much", "not name=number"),
        ("EVENT_WEIGHTS", "click=1", "click=1.0 is not usable; name view, add_to_cart"),
        ("EVENT_WEIGHTS", "view=-1", "view=-1.0 is not usable; name"),
        ("EVENT_WEIGHTS", "view=nan", "view=nan is not usable; name"),
        ("EVENT_WEIGHTS", "view=inf", "view=inf is not usable; name"),
        ("STORAGE_OPTIONS", "{", "not a JSON object; set e.g."),
        ("STORAGE_OPTIONS", "[]", "not a JSON object; set e.g."),
        ("STORAGE_OPTIONS", '{"a": {}, "b": null, "c": ""}', "a, b is not text; quote each value"),
        (
            "SPARK_CONF",
            "spark.ui.enabled=false",
            "PERSONA_SPARK_CONF is not a JSON object; set e.g.",
        ),
        ("SPARK_CONF", '{"hive.x": "1"}', "hive.x is not a Spark option; .*begin with spark"),
        ("SPARK_CONF", '{"spark.a=b": "1"}', "spark.a=b is not a Spark option"),
        ("SPARK_CONF", '{"spark.a": []}', "spark.a is not text; quote each value"),
        ("SPARK_CONF", '{"spark.a": null}', "spark.a is not text; quote each value"),
        ("SEGMENTATION", "5", "PERSONA_SEGMENTATION is not a JSON object; set e.g."),
        ("SEGMENTATION", '{"clusters": 5}', "no field 'clusters'; it has .*least_k"),
        ("SEGMENTATION", '{"k": "5"}', "k is '5', which is not a whole number; give one"),
        ("SEGMENTATION", '{"k": 2.5}', "k is 2.5, which is not a whole number; give one"),
        ("SEGMENTATION", '{"k": true}', "k is True, which is not a whole number"),
        ("SEGMENTATION", '{"outlier_share": null}', "outlier_share is None, .*not a number"),
        ("SEGMENTATION", '{"k": -1}', "SegmentationConfig.k must be positive; got -1"),
        ("HASH_KEY", "short", "has 5 bytes; use 16 to 64"),
        ("HASH_KEY", "ü" * 33, "has 66 bytes; use 16 to 64"),
    ],
)
def test_a_bad_variable_is_named_with_its_remedy(home, name, value, said):
    with pytest.raises(UserError, match=said):
        loaded(home, None, **{name: value})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("top_k =", "not valid TOML: .*; correct or delete it"),
        ("top_k = 'five'", "top_k must be a whole number .*got 'five'; pass"),
        ("top_k = true", "got True; pass"),
        ("top_k = 2.5", "got 2.5; pass"),
        ("seed = 'x'", "seed must be a whole number .*got 'x'; correct"),
        ("exclude = []", r"exclude is \[\]; use one of"),
        ("topk = 5", r"persona.toml: unknown setting\(s\) topk; known are source, .*top_k"),
        ("engine = 'polars'", r"unknown setting\(s\) engine"),
        ("hash_key = 'x'", r"unknown setting\(s\) hash_key"),
        ("event_weights = 5", r"event_weights is not a table; write e.g. \[event_weights\]"),
        ("segmentation = 5", r"\[segmentation\] = 5 is not a table of fields; write"),
        ("[segmentation]\nk = 'x'", r"\[segmentation\]: k is 'x', which is not a whole"),
        ("event_weights = {view = 'x'}", "view=x is not usable; name"),
        ("event_weights = {view = true}", "view=True is not usable; name"),
        ("event_weights = {click = 1}", "click=1 is not usable; name"),
        ("source = 'synthetic'", r"\[source\] needs a `start` date; correct it"),
        ("[source]", r"\[source\] needs a `start` date; correct it"),
        ("[source]\nstart = '2025-01-01'", "needs a `start` date"),
        ("[source]\nstart = 2025-01-01T00:00:00", "needs a `start` date"),
        (SOURCE + "end = 'tomorrow'", "end = 'tomorrow' is not a date; correct it"),
        (SOURCE + "end = 2025-02-01T00:00:00", "is not a date; correct it"),
        (SOURCE + "end = 2025-01-01", "2025-01-01, which is not after its start .*pass an --end"),
        (SOURCE + "users = 5", r"\[source\] holds users; .*below \[source.options\]"),
        (SOURCE + "options = 5", r"options = 5 is not a table; write \[source.options\]"),
    ],
)
def test_a_bad_file_is_named_with_its_remedy(home, text, said):
    with pytest.raises(UserError, match=said):
        loaded(home, text)


def test_a_file_that_is_no_text_is_named(home):
    home.mkdir()
    (home / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"persona.toml is not valid TOML: .*correct or delete it"):
        loaded(home)


def test_a_home_that_is_a_file_is_named(home):
    home.write_text("in the way")
    with pytest.raises(UserError, match=r"PERSONA_HOME .*home is not a folder; name another"):
        loaded(home)
    with pytest.raises(UserError, match=r"cannot write to the home .*home: .*point PERSONA_HOME"):
        save(Settings(home=home))


def test_a_file_that_cannot_be_read_is_named(home):
    (home / FILE_NAME).mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot read .*persona.toml: .*point PERSONA_HOME"):
        loaded(home)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)
OPTIONS = st.dictionaries(
    TEXT, TEXT | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.dates(), max_size=3
)
SOURCES = st.builds(
    SourceSettings,
    name=TEXT,
    start=st.dates(date(2000, 1, 1), date(2020, 1, 1)),
    end=st.none() | st.dates(date(2020, 1, 2), date(2030, 1, 1)),
    options=OPTIONS,
)


@hypothesis_settings()
@given(
    SOURCES,
    st.integers(1, 500),
    st.sampled_from(["bought", "seen", "none"]),
    st.integers(0, 2**32 - 1),
    st.floats(0, 1e9),
    st.builds(SegmentationConfig, k=st.integers(0, 9), outlier_share=st.floats(0, 1)),
)
def test_what_is_saved_comes_back(
    tmp_path_factory, source, top_k, exclude, seed, weight, segmentation
):
    weights = DEFAULT_WEIGHTS | {"view": weight}
    home = tmp_path_factory.mktemp("home")
    kept = Settings(
        home,
        source=source,
        event_weights=weights,
        top_k=top_k,
        exclude=exclude,
        seed=seed,
        segmentation=segmentation,
    )
    save(kept)
    assert loaded(home) == kept


def test_the_file_holds_no_secret_and_neither_does_any_text_shown(home):
    hush = '{"spark.secret": "hush-hush"}'
    storage = '{"secret": "hush-hush"}'
    kept = loaded(home, None, HASH_KEY=SECRET, STORAGE_OPTIONS=storage, SPARK_CONF=hush)
    assert kept.hash_key == SECRET.encode()
    assert kept.storage_options == {"secret": "hush-hush"}
    save(kept)
    for text in (repr(kept), str(kept), (home / FILE_NAME).read_text()):
        assert SECRET not in text
        assert "hush" not in text


@pytest.mark.parametrize("name", ["STORAGE_OPTIONS", "SPARK_CONF"])
@pytest.mark.parametrize(
    "options", ['{"spark.secret": "hush', '["hush"]', '{"spark.secret": ["hush"]}']
)
def test_unusable_options_are_not_repeated(home, name, options):
    with pytest.raises(UserError) as error:
        loaded(home, None, **{name: options})
    assert "hush" not in str(error.value)
    assert error.value.__context__ is None, "a traceback would show it"


def test_an_unusable_key_is_not_repeated(home):
    with pytest.raises(UserError) as error:
        loaded(home, None, HASH_KEY="hush")
    assert "hush" not in str(error.value)


def test_a_save_that_dies_midway_leaves_the_old_file(home, monkeypatch):
    before = Settings(home=home, top_k=9)
    save(before)

    def half(path: Path, text: str, **_: object) -> int:
        path.write_bytes(text.encode()[: len(text) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "write_text", half)
        save(replace(before, top_k=10))
    assert loaded(home) == before


def test_which_key_hashes_the_users(home):
    given_key = loaded(home, None, HASH_KEY=SECRET)
    assert given_key.secret_key(identifiers_are_public=False) == SECRET.encode()
    own = loaded(home)
    assert own.secret_key(identifiers_are_public=True) == PUBLIC_HASH_KEY
    assert not (home / "hash_key").exists(), "public identifiers need no secret"
    # Nobody has an identifier in the lake yet, so that its key may still change.
    key = own.secret_key(identifiers_are_public=False)
    assert key == (home / "hash_key").read_bytes() != PUBLIC_HASH_KEY
    assert loaded(home).secret_key(identifiers_are_public=False) == key


@pytest.mark.parametrize("weight", [math.inf, -1, True, None])
def test_settings_made_in_code_are_held_to_the_same_rules(weight):
    with pytest.raises(UserError, match="is not usable"):
        Settings(event_weights={"view": weight})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("x = " + "[" * 100_000, "persona.toml is n"),
        ("top_k = " + "9" * 5_000, "persona.toml is not valid TOML"),
        (
            "[source]\nstart = 2025-01-01\n[source.options]\npath = 'a'\nmapping = \"b\\u0000\"",
            "mapping holds a NUL byte",
        ),
    ],
)
def test_settings_that_would_break_a_parser_are_named(home, text, named):
    with pytest.raises(UserError, match=named):
        loaded(home, text)


@pytest.mark.parametrize("name", ["STORAGE_OPTIONS", "SPARK_CONF", "SEGMENTATION"])
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000])
def test_variables_nested_without_end_are_no_json_object(home, name, text):
    with pytest.raises(UserError, match=f"PERSONA_{name} is not a JSON object"):
        loaded(home, None, **{name: text})

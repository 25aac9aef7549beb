import math
import random
from collections import Counter
from datetime import date

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_assets.tables import TABLES, Column, Table
from persona_assets.tables.verify import SAMPLE, Violation, rule_names, violations

COLUMNS = (
    Column("day", "date", "day"),
    Column("id", "string", "identifier"),
    Column("kind", "string", "kind", allowed=("a", "b")),
    Column("size", "int64", "size", nullable=True, minimum=1, maximum=3),
    Column("share", "float64", "share", nullable=True, minimum=0),
    Column("part", "string", "part", nullable=True, references="raw/parts.part"),
    Column("email", "string", "address", pii=True),
)
DAILY = Table("raw", "facts", "g", ("day", "id"), COLUMNS, "day")
WHOLE = Table("raw", "things", "g", ("id",), COLUMNS)
GLOBAL = Table("raw", "events", "g", ("id",), COLUMNS, "day")
PARTS = pl.DataFrame({"part": ["p1", "p2", None]})
ONE, TWO, THREE = date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 3)
GOOD = {
    "day": ONE,
    "id": "x",
    "kind": "a",
    "size": 2,
    "share": 0.5,
    "part": "p1",
    "email": "zoe@example.org",
}


def on_polars(frame: pl.DataFrame) -> nw.LazyFrame:
    return nw.from_native(frame.lazy())


def evaluate(rows: list[dict], table: Table = DAILY, lazy=on_polars) -> dict[str, list[Violation]]:
    return violations(
        lazy(pl.DataFrame(rows, schema=table.polars_schema)),
        table,
        {"raw/parts.part": lazy(PARTS)},
        lambda frame: frame.collect("polars").to_native(),
    )


def counted(found: dict[str, list[Violation]]) -> dict[str, dict[str, int]]:
    return {key: {v.rule: v.rows for v in broken} for key, broken in found.items()}


def test_rows_that_keep_the_contract_break_nothing():
    edges = [
        GOOD | {"id": "1", "size": 1, "share": 0.0},
        GOOD | {"id": "2", "size": 3, "share": math.inf, "part": "p2"},
        GOOD | {"id": "3", "size": None, "share": None, "part": None},
    ]
    assert evaluate(edges) == {"2025-03-01": []}
    assert evaluate(edges, WHOLE) == {"": []}


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("id", None, "id: not null"),
        ("kind", None, "kind: not null"),
        ("kind", "c", "kind: allowed value"),
        ("size", 0, "size: at least 1"),
        ("size", 4, "size: at most 3"),
        ("share", -0.001, "share: at least 0"),
        ("share", math.nan, "share: a number"),
        ("part", "p9", "part: in raw/parts.part"),
        ("part", "", "part: in raw/parts.part"),
        ("email", None, "email: not null"),
    ],
)
def test_each_rule_is_found_and_counted_in_its_partition_alone(column, value, rule):
    bad = GOOD | {column: value, "day": TWO}
    other = bad if column == "id" else bad | {"id": "y"}
    rows = [GOOD, bad, other, GOOD | {"day": TWO, "id": "z"}]
    assert counted(evaluate(rows)) == {"2025-03-01": {}, "2025-03-02": {rule: 2}}


def test_every_rule_has_a_name_and_only_those_occur():
    bad = dict.fromkeys(GOOD) | {"day": ONE}
    assert rule_names(DAILY) == [
        "day: not null",
        "id: not null",
        "kind: not null",
        "kind: allowed value",
        "size: at least 1",
        "size: at most 3",
        "share: a number",
        "share: at least 0",
        "part: in raw/parts.part",
        "email: not null",
        "key_unique",
    ]
    found = {violation.rule for violation in evaluate([bad, bad])["2025-03-01"]}
    # Rows without a key are no duplicates of each other.
    assert found == {"id: not null", "kind: not null", "email: not null"}
    assert found | {"key_unique"} <= set(rule_names(DAILY))


@pytest.mark.parametrize("path", TABLES)
def test_no_rule_hides_another_in_the_platforms_tables(path):
    assert max(Counter(rule_names(TABLES[path])).values()) == 1


@pytest.mark.parametrize("path", TABLES)
def test_no_rows_break_no_rule(path):
    table = TABLES[path]
    references = {
        column.references: nw.from_native(
            TABLES[column.references.rpartition(".")[0]].empty().lazy()
        )
        for column in table.columns
        if column.references
    }
    frame = nw.from_native(table.empty().lazy())
    assert violations(frame, table, references, lambda f: f.collect("polars").to_native()) == {}


def test_samples_withhold_personal_data_and_name_the_key():
    rows = [GOOD | {"id": str(number), "kind": "zoe"} for number in range(9)]
    rows += [GOOD | {"id": "9", "email": None}, GOOD | {"id": "9"}]
    broken = {violation.rule: violation for violation in evaluate(rows)["2025-03-01"]}
    shown = broken["kind: allowed value"]
    assert (shown.rows, len(shown.sample)) == (9, SAMPLE)
    assert shown.sample[0] == "day=2025-03-01, id=0, kind=zoe"
    assert broken["email: not null"].sample == ("day=2025-03-01, id=9, email=(withheld)",)
    assert broken["key_unique"].sample == ("day=2025-03-01, id=9",)
    assert "example.org" not in repr(broken)


def test_a_key_of_personal_data_is_withheld_too():
    people = Table("raw", "users", "g", ("email",), COLUMNS)
    rows = [GOOD, GOOD, GOOD | {"email": "bob@example.org", "kind": "c"}]
    broken = {violation.rule: violation for violation in evaluate(rows, people)[""]}
    assert broken["key_unique"] == Violation("key_unique", 2, ("email=(withheld)",))
    assert broken["kind: allowed value"].sample == ("kind=c",)
    assert "example.org" not in repr(broken)


def test_samples_do_not_depend_on_the_order_of_rows():
    rows = [GOOD | {"id": str(number), "size": 7, "kind": "c"} for number in range(30)]
    shuffled = random.Random(3).sample(rows, len(rows))
    assert evaluate(rows) == evaluate(shuffled)


def test_a_key_is_unique_within_its_partition_or_over_all_as_the_contract_says():
    rows = [
        GOOD,
        GOOD | {"day": TWO},
        GOOD | {"day": TWO, "id": "y"},
        GOOD | {"day": THREE, "id": "z"},
    ]
    assert counted(evaluate(rows, DAILY)) == {"2025-03-01": {}, "2025-03-02": {}, "2025-03-03": {}}
    assert counted(evaluate(rows, GLOBAL)) == {
        "2025-03-01": {"key_unique": 1},
        "2025-03-02": {"key_unique": 1},
        "2025-03-03": {},
    }
    assert counted(evaluate([*rows, GOOD], GLOBAL))["2025-03-01"] == {"key_unique": 2}


def test_spark_finds_the_same(spark):
    rows = [GOOD | {"id": str(number), "kind": "c", "day": ONE} for number in range(SAMPLE + 2)]
    rows += [GOOD | {"day": day, "id": "x", "part": "p9"} for day in (ONE, TWO, TWO, THREE)]
    found = evaluate(
        rows, GLOBAL, lambda frame: nw.from_native(spark.createDataFrame(frame.to_arrow()))
    )
    assert found == evaluate(rows, GLOBAL)
    assert counted(found)["2025-03-02"] == {"part: in raw/parts.part": 2, "key_unique": 2}


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            lambda **values: GOOD | values,
            day=st.sampled_from([ONE, TWO, THREE]),
            id=st.sampled_from(["x", "y", "z", None]),
            kind=st.sampled_from(["a", "b", "c", None]),
            size=st.sampled_from([None, 0, 1, 3, 4]),
            share=st.sampled_from([None, math.nan, -1.0, 0.0, -math.inf]),
            part=st.sampled_from([None, "p1", "p2", "p3"]),
        ),
        max_size=8,
    )
)
def test_counts_equal_those_of_a_loop_over_the_rows(rows):
    expected: dict[str, Counter[str]] = {}
    for row in rows:
        counts = expected.setdefault(row["day"].isoformat(), Counter())
        share = row["share"]
        counts["id: not null"] += row["id"] is None
        counts["kind: not null"] += row["kind"] is None
        counts["kind: allowed value"] += row["kind"] == "c"
        counts["size: at least 1"] += row["size"] == 0
        counts["size: at most 3"] += row["size"] == 4
        counts["share: a number"] += share is not None and math.isnan(share)
        counts["share: at least 0"] += share is not None and share < 0
        counts["part: in raw/parts.part"] += row["part"] == "p3"
        same = [other for other in rows if (other["day"], other["id"]) == (row["day"], row["id"])]
        counts["key_unique"] += row["id"] is not None and len(same) > 1
    assert counted(evaluate(rows)) == {
        day: {rule: rows for rule, rows in counts.items() if rows}
        for day, counts in expected.items()
    }

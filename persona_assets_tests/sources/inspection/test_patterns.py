"""The pattern of a draft finds today's files, tomorrow's, and none of another table."""

import pytest

from persona_assets.sources.finding import find_files
from persona_assets.sources.inspection.patterns import pattern_for, what_it_finds


def deliver(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a\n1\n")


TODAY_AND_TOMORROW = [
    (["clicks.csv"], "clicks*.csv", "clicks_2024-05-14.csv"),
    (["part-0001.tsv.gz"], "part-*.tsv.gz", "part-0002.tsv.gz"),
    (["Bestellungen_2024.csv"], "Bestellungen_*.csv", "Bestellungen_2025.csv"),
    (["events_20240513.jsonl", "events_20240514.jsonl"], "events_*.jsonl", "events_20250101.jsonl"),
    (["2024-05-30_clicks.csv", "2024-05-31_clicks.csv"], "*_clicks.csv", "2024-06-01_clicks.csv"),
    (["2019-Oct.csv", "2019-Nov.csv"], "[0-9]*.csv", "2020-Jan.csv"),
    (["log 1 May 2024.csv"], "log *.csv", "log 2 June 2024.csv"),
    (["2024/05/13/clicks.csv"], "[0-9]*/[0-9]*/[0-9]*/clicks.csv", "2025/01/01/clicks.csv"),
    (["marketing_2024.csv"], "marketing_*.csv", "marketing_2025.csv"),
    (
        ["e/2f1b3c4d-1111-2222-3333-0123456789ab.json"],
        "e/[0-9A-Fa-f]*.json",
        "e/af1b3c4d-1111-2222-3333-0123456789ab.json",
    ),
    (
        [f"events/event_date=2024-05-{n}/part-00000-abc.c000.snappy.parquet" for n in (13, 14)],
        "events",
        "events/event_date=2025-01-01/part-00003-x.parquet",
    ),
    (["event_date=2024-05-13/x.csv"], "event_date=*", "event_date=2025-01-01/y.csv"),
    (["clicks_2024-05-13/part-00000.csv"], "clicks_*", "clicks_2024-05-14/part-00007.csv"),
    (["sale [1] 2024.csv"], "sale [[]*] *.csv", "sale [1] 2025.csv"),
]


@pytest.mark.parametrize(("names", "pattern", "tomorrow"), TODAY_AND_TOMORROW)
def test_tomorrows_file_is_found(names, pattern, tomorrow, tmp_path):
    deliver(tmp_path, *names, "other/thing.csv")
    patterns = pattern_for(tmp_path, names, [])
    assert patterns == (pattern,)
    deliver(tmp_path, tomorrow)
    found = [file.name for file in find_files(tmp_path, patterns).files]
    assert found == sorted([*names, tomorrow])


@pytest.mark.parametrize(
    ("names", "others", "pattern"),
    [
        (["order.csv"], ["orders.csv"], ("order.csv", "order[-_. 0-9]*.csv")),
        (["orders_2024.csv"], ["orders_items_2024.csv"], ("orders_[0-9]*.csv",)),
        (["e/d=1/part-0.csv"], ["e/k=1/part-0.csv"], ("e/d=*",)),
        (["e/d=1/part-0.csv"], ["e/d=1/a.csv"], ("e/d=*/part-*.csv",)),
        (["a_1.csv", "b_1.csv"], ["c_1.csv"], ("a_*.csv", "b_*.csv")),
        (["1.csv"], ["2.csv"], ("1.csv",)),
    ],
)
def test_files_of_another_table_are_not_found(names, others, pattern, tmp_path):
    deliver(tmp_path, *names, *others)
    patterns = pattern_for(tmp_path, names, [])
    assert patterns == pattern
    assert [file.name for file in find_files(tmp_path, patterns).files] == names


def test_what_a_pattern_finds_is_said():
    assert what_it_finds(["a*.csv"], ["a.csv"]) == ("1 file today, and later ones with such names")
    assert what_it_finds(["events"], ["events/a", "events/b"]) == (
        "2 files today, and later ones in this folder"
    )
    assert what_it_finds(["1.csv"], ["1.csv"]) == (
        "1 file today; a later one with another name is not read"
    )

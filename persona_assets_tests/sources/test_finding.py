"""Which files of a delivery belong to a section, and which are passed over."""

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from persona_assets.errors import UserError
from persona_assets.sources.finding import find_files, unmatched


def deliver(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a\n1\n")


def names(found):
    return [file.name for file in found.files]


def test_a_folder_means_all_files_of_data_below_it(tmp_path):
    deliver(tmp_path, "ev/part-0.csv", "ev/x/b.parquet", "ev/_SUCCESS", "ev/.a.crc", "ev/about.md")
    deliver(tmp_path, "ev/_temporary/0/part-1.csv", "other.csv")
    found = find_files(tmp_path, ["ev"])
    assert names(found) == ["ev/part-0.csv", "ev/x/b.parquet"]
    assert found.notes == (
        "2 files were not read (bookkeeping): ev/.a.crc, ev/_SUCCESS",
        "1 file was not read (names of CSV, JSON, Parquet and Excel files end otherwise): "
        "ev/about.md",
    )


def test_a_pattern_passes_over_bookkeeping_unless_it_names_it(tmp_path):
    deliver(tmp_path, "a.csv", "._a.csv", "_b.csv", "c [1].csv")
    assert names(find_files(tmp_path, ["*.csv"])) == ["a.csv", "c [1].csv"]
    assert names(find_files(tmp_path, ["_*.csv"])) == ["_b.csv"]
    assert names(find_files(tmp_path, ["_b.csv", "c [1].csv"])) == ["_b.csv", "c [1].csv"]


def test_several_patterns_name_each_file_once(tmp_path):
    deliver(tmp_path, "a.csv", "b1.csv", "b2.csv")
    assert names(find_files(tmp_path, ["b*.csv", "a.csv", "b1.csv"])) == [
        "a.csv",
        "b1.csv",
        "b2.csv",
    ]


def test_folder_names_state_columns(tmp_path):
    deliver(tmp_path, "e/year=2024/shop=a%2Fb c/x.csv", "e/year=__HIVE_DEFAULT_PARTITION__/y.csv")
    stated = {file.name[-5:]: file.partitions for file in find_files(tmp_path, ["e"]).files}
    assert stated == {"x.csv": {"year": "2024", "shop": "a/b c"}, "y.csv": {"year": None}}
    deliver(tmp_path, "e/year=1/year=2/x.csv")
    with pytest.raises(UserError, match="two of its folders state a column 'year'"):
        find_files(tmp_path, ["e"])


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*.csv", "a/../../b.csv", "a\0.csv", "**x/a"])
def test_a_pattern_that_leads_out_is_refused(tmp_path, pattern):
    with pytest.raises(UserError, match=r"\[orders\] file = .* is not a pattern inside the folder"):
        find_files(tmp_path, [pattern], section="orders")


@pytest.mark.parametrize("pattern", ["*.csv", "link.csv", "below", "*"])
def test_a_link_that_leads_out_is_refused(tmp_path, pattern):
    shop, outside = tmp_path / "shop", tmp_path / "outside"
    deliver(outside, "secret.csv")
    (shop / "below").mkdir(parents=True)
    (shop / "link.csv").symlink_to(outside / "secret.csv")
    (shop / "below" / "link").symlink_to(outside, target_is_directory=True)
    with pytest.raises(UserError, match="symbolic link that leads out"):
        find_files(shop, [pattern])


def test_a_link_inside_the_folder_is_followed(tmp_path):
    deliver(tmp_path, "real/a.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "real" / "a.csv")
    assert names(find_files(tmp_path, ["b.csv"])) == ["b.csv"]


@pytest.mark.parametrize("pattern", ["t", "t/**/*.parquet"])
def test_a_delta_table_is_its_current_version(tmp_path, pattern):
    rows = pl.DataFrame({"a": [1, 2], "shop": ["x y", "ü"]})
    for _ in range(2):
        write_deltalake(
            str(tmp_path / "t"), rows.to_arrow(), mode="overwrite", partition_by=["shop"]
        )
    found = find_files(tmp_path, [pattern])
    assert len(found.files) == len(DeltaTable(str(tmp_path / "t")).file_uris()) == 2
    assert {file.partitions["shop"] for file in found.files} == {"x y", "ü"}
    assert "2 files were not read (of an older version of a Delta table)" in found.notes[-1]


def test_files_of_no_section_are_named(tmp_path):
    deliver(tmp_path, "a.csv", "e/b.csv", "new.csv", "z.csv", "about.md", "_SUCCESS")
    assert unmatched(tmp_path, ["a*.csv", "e"]) == (
        "2 files in PATH match no section: new.csv, z.csv",
    )
    assert unmatched(tmp_path, ["a*.csv", "e", "z.csv"]) == (
        "1 file in PATH matches no section: new.csv",
    )
    assert unmatched(tmp_path, ["."]) == ()


def test_a_link_out_of_the_folder_stops_no_look_for_files_of_no_section(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    deliver(tmp_path / "in", "a.csv")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "elsewhere")
    assert "leads out of" in unmatched(tmp_path / "in", ["a.csv"])[0]

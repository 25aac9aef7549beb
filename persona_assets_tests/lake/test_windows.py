"""Windows say what Dagster's partition mappings say, over the whole calendar at once."""

import dagster as dg
import pytest

from persona_assets.definitions import HOME
from persona_assets.lake.windows import EVERYTHING, Window
from persona_assets.orchestration import partitions
from persona_assets.orchestration.resources.provenance import window

DAILY = HOME.calendar.daily
EVALUATED = HOME.calendar.evaluated
WEEKLY = HOME.calendar.weekly

MAPPINGS = {
    "SAME days": (DAILY, DAILY, partitions.SAME),
    "SAME cut-offs": (EVALUATED, WEEKLY, partitions.SAME),
    "BEFORE_CUTOFF": (WEEKLY, DAILY, partitions.BEFORE_CUTOFF),
    "THROUGH_EVALUATED_WEEK": (EVALUATED, DAILY, partitions.THROUGH_EVALUATED_WEEK),
    "REFERENCE_AND_WEEK": (EVALUATED, DAILY, partitions.REFERENCE_AND_WEEK),
    "WEEK_BEFORE": (WEEKLY, DAILY, partitions.WEEK_BEFORE),
    "TRAILING_SNAPSHOT": (DAILY, DAILY, partitions.TRAILING_SNAPSHOT),
    "LOOK_BACK": (DAILY, DAILY, partitions.LOOK_BACK),
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_window_is_what_the_mapping_says(name: str) -> None:
    reading, read, mapping = MAPPINGS[name]
    found = window(reading, read, mapping)
    for key in reading.get_partition_keys():
        first, end = found.of(key)
        inside = {each for each in read.get_partition_keys() if first <= each < str(end)}
        said = HOME.calendar.mapping(mapping).get_upstream_mapped_partitions_result_for_partitions(
            reading.empty_subset().with_partition_keys([key]), reading, read
        )
        assert inside == set(said.partitions_subset.get_partition_keys()), key


def test_without_partitions_everything_is_read() -> None:
    assert window(None, DAILY, None) == EVERYTHING
    assert window(DAILY, None, None) == EVERYTHING
    assert window(WEEKLY, DAILY, dg.AllPartitionMapping()) == EVERYTHING
    assert EVERYTHING.of("2025-01-13") == ("", None)


def test_of_a_history_a_day_knows_its_own_end_and_a_cut_off_its_own_beginning() -> None:
    history = "raw/product_history"
    assert window(DAILY, None, None, history) == Window(1, known_days=1)
    assert window(WEEKLY, None, None, history) == Window(7, known_days=0)
    assert window(WEEKLY, None, None, history).of("2025-01-13") == ("", None)

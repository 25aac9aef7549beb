"""One table of a step that makes several can be made by itself, where they need not agree."""

from collections.abc import Callable
from typing import Any

import pytest

from persona_assets.orchestration.resources.build import resources_of
from persona_assets.tables import TABLES

CUTOFFS = ("2025-01-13", "2025-01-20")
INPUTS = (
    "recommendations/top_k", "mart/user_item_interactions", "features/item_embeddings",
    "segmentation/customer_segments", "raw/user_history", "raw/product_history",
)  # fmt: skip
EVALUATED_WEEK = (
    "evaluation/offline_metrics", "evaluation/recommendation_analysis",
    "evaluation/segment_metrics", "evaluation/pairwise_comparison", "evaluation/cold_start",
)  # fmt: skip
JOB = "weekly_evaluation"


@pytest.fixture
def graph(open_graph: Callable[..., Any], copy_tables: Callable[..., None], whole: Any) -> Any:
    """A graph with everything that the evaluation reads, and nothing of the evaluation."""
    opened = open_graph()
    copy_tables(whole.store, opened, *INPUTS)
    return opened


def test_a_selected_table_is_made_and_checked_alone_and_equals_that_of_a_whole_step(
    graph: Any, whole: Any
) -> None:
    for path in ("evaluation/segment_metrics", "evaluation/offline_metrics"):
        made_before = set(graph.hashes("evaluation"))
        result = graph.run(JOB, *CUTOFFS, assets=[path])
        assert set(graph.hashes("evaluation")) - made_before == {path}
        expected = {key: whole.hashes[path][key] for key in CUTOFFS}
        assert graph.hashes("evaluation")[path] == expected
        checked = {"/".join(each.asset_key.path) for each in result.get_asset_check_evaluations()}
        assert checked == {path}


def test_the_rest_of_the_step_follows_later_and_all_is_as_if_made_together(
    graph: Any, whole: Any
) -> None:
    graph.run(JOB, *CUTOFFS, assets=EVALUATED_WEEK[2:3])
    kept = graph.store.version(TABLES[EVALUATED_WEEK[2]])
    graph.run(JOB, *CUTOFFS, assets=[*EVALUATED_WEEK[:2], *EVALUATED_WEEK[3:]])
    assert graph.store.version(TABLES[EVALUATED_WEEK[2]]) == kept
    found = graph.hashes("evaluation")
    assert found == {
        path: {key: whole.hashes[path][key] for key in CUTOFFS} for path in EVALUATED_WEEK
    }


def test_each_table_records_what_it_was_made_from(graph: Any) -> None:
    """Else a table made alone would be due again at once."""
    graph.run(JOB, *CUTOFFS, assets=EVALUATED_WEEK[3:4])
    graph.run(JOB, *CUTOFFS, assets=EVALUATED_WEEK)
    records = resources_of(graph.defs)["lake"].provenance.records()
    alone, together = (records[path] for path in (EVALUATED_WEEK[3], EVALUATED_WEEK[4]))
    for cutoff in CUTOFFS:
        assert set(alone[cutoff].inputs) == set(together[cutoff].inputs) == set(INPUTS)

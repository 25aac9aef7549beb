import json
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_assets.lifecycle.registry import (
    Recipe,
    champions,
    registry_row,
    stages,
    with_stages,
)
from persona_assets.recommenders.models.als import ALS, ALSConfig
from persona_assets.segmentation.config import SegmentationConfig
from persona_assets.segmentation.trained import CustomerSegments
from persona_assets.tables.lifecycle import PROMOTIONS
from persona_assets.tables.models import REGISTRY, STAGES


def test_the_row_is_enough_to_repeat_the_training():
    model = ALS(ALSConfig(seed=9, factors=7))

    row = registry_row(
        model,
        cutoff=date(2024, 3, 4),
        code_version="c0de",
        input_hash="1npu7",
        artefact_hash="ar7",
        artefact_rows=12,
    )

    assert row.schema == REGISTRY.polars_schema
    (values,) = row.to_dicts()
    assert ALS(ALSConfig(**json.loads(values.pop("parameters")))) == model
    assert values == {
        "cutoff": date(2024, 3, 4),
        "model": "als",
        "artefact": "models/als_model",
        "seed": 9,
        "code_version": "c0de",
        "input_hash": "1npu7",
        "artefact_hash": "ar7",
        "artefact_rows": 12,
        "stage": "candidate",
        "not_trained": None,
    }


def test_a_segmentation_is_a_row_like_any_training_and_no_decision_changes_it():
    segmentation = CustomerSegments(SegmentationConfig(k=5, seed=3))

    row = registry_row(
        segmentation,
        cutoff=date(2024, 3, 4),
        code_version="c0de",
        input_hash="1npu7",
        artefact_hash="ar7",
        artefact_rows=12,
    )

    assert row.schema == REGISTRY.polars_schema
    (values,) = row.to_dicts()
    assert SegmentationConfig(**json.loads(values["parameters"])) == segmentation.config
    assert (values["model"], values["artefact"], values["seed"]) == (
        "customer_segments", "segmentation/segmentation_model", 3,
    )  # fmt: skip
    champion = decisions(("1", "promotion", "als", "{}", "champion"))
    assert with_stages(row, champion).equals(row)


def decisions(*rows):
    """(decision, action, model, parameters, stage after) → rows of models/promotions."""
    return pl.DataFrame(
        [
            {
                "decision": decision,
                "decided_at": datetime(2024, 1, 1, tzinfo=UTC),
                "action": action,
                "model": model,
                "parameters": parameters,
                "from_stage": "candidate",
                "to_stage": stage,
                "evidence": "{}",
            }
            for decision, action, model, parameters, stage in rows
        ],
        schema=PROMOTIONS.polars_schema,
    )


A, B, C = Recipe("a", "{}"), Recipe("b", "{}"), Recipe("b", '{"x": 1}')
A_B_C = (
    ("1", "promotion", *A, "champion"),
    ("2", "promotion", *B, "champion"),
    ("2", "promotion", *A, "archived"),
    ("3", "promotion", *C, "champion"),
    ("3", "promotion", *B, "archived"),
)
BACK = (("4", "rollback", *B, "champion"), ("4", "rollback", *C, "archived"))
BACK_AGAIN = (("5", "rollback", *A, "champion"), ("5", "rollback", *B, "archived"))


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ((), []),
        (A_B_C[:1], [A]),
        (A_B_C, [A, B, C]),
        (A_B_C + BACK, [A, B]),
        (A_B_C + BACK + BACK_AGAIN, [A]),
        # A way back that was left behind by a promotion is gone.
        (A_B_C + BACK + (("5", "promotion", *A, "champion"),), [A, B, A]),
        (A_B_C + BACK + (("5", "promotion", *C, "champion"),), [A, B, C]),
    ],
)
def test_rollbacks_lead_back_one_champion_after_another(rows, line):
    assert champions(decisions(*rows)) == line
    assert champions(decisions(*reversed(rows))) == line


def test_a_stage_is_that_of_the_newest_decision_about_model_and_configuration():
    found = stages(decisions(*A_B_C, *BACK))
    assert found == {A: "archived", B: "champion", C: "archived"}


def test_stages_survive_another_training_and_do_not_pass_to_another_configuration():
    promoted, other = ALS(ALSConfig(factors=7)), ALS(ALSConfig(factors=8))
    rows = [
        registry_row(
            model, cutoff=cutoff, code_version="c", input_hash="i", artefact_hash="a",
            artefact_rows=1,
        )
        for cutoff in (date(2024, 3, 4), date(2024, 3, 11))
        for model in (promoted, other)
    ]  # fmt: skip
    promotions = decisions(("1", "promotion", *Recipe.of(promoted), "champion"))
    now = with_stages(pl.concat(rows), promotions)
    assert now["stage"].to_list() == ["champion", "candidate"] * 2
    assert now.drop("stage").equals(pl.concat(rows).drop("stage"))
    assert set(now["stage"]) <= set(STAGES)
    assert with_stages(REGISTRY.empty(), promotions).schema == REGISTRY.polars_schema


@given(st.lists(st.sampled_from([A, B, C, "rollback"]), max_size=12))
def test_there_is_one_champion_whatever_is_decided(wanted):
    line, rows = [], []
    for number, step in enumerate(wanted):
        before = line[-1] if line else None
        if step == "rollback":
            if len(line) < 2:
                continue
            line.pop()
            action = "rollback"
        elif step == before:
            continue
        else:
            line.append(step)
            action = "promotion"
        rows.append((f"{number:02d}", action, *line[-1], "champion"))
        if before is not None:
            rows.append((f"{number:02d}", action, *before, "archived"))
    assert champions(decisions(*rows)) == line
    found = stages(decisions(*rows))
    assert [recipe for recipe, stage in found.items() if stage == "champion"] == line[-1:]

import json
from datetime import date

from persona_assets.recommenders.als import ALS, ALSConfig
from persona_assets.recommenders.registry import registry_row
from persona_assets.tables.models import REGISTRY


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
    }

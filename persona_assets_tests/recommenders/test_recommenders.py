import subprocess
import sys
from pathlib import Path

import pytest

from persona_assets.errors import UserError
from persona_assets.recommenders import MODELS, model_named


def test_every_model_is_registered_under_its_own_name():
    assert {name: recommender.name for name, recommender in MODELS.items()} == {
        name: name for name in MODELS
    }
    assert model_named("bpr") is MODELS["bpr"]


def test_an_unknown_model_is_refused_with_the_known_names():
    with pytest.raises(UserError, match="'svd'; choose one of popularity, als, bpr"):
        model_named("svd")


def test_importing_the_models_imports_no_library_of_theirs():
    script = (
        "import sys, persona_assets.recommenders, persona_assets.recommenders.top_k\n"
        "heavy = {'implicit', 'scipy', 'sklearn', 'threadpoolctl', 'dagster'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])

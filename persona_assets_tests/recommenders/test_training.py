from datetime import date

import narwhals as nw
import polars as pl
import pytest

from persona_assets.errors import InsufficientDataError
from persona_assets.orchestration.dispatch import TRAINED_BY_WORKERS, batch_top_k, train
from persona_assets.recommenders import ALS, BPR, MODELS, Popularity
from persona_assets.recommenders.interactions import Interactions
from persona_assets.recommenders.models.bpr import BPRConfig
from persona_assets.recommenders.top_k import top_k
from persona_assets.skipped import Skipped

CUTOFF = date(2024, 3, 4)


def test_a_polars_frame_is_trained_and_ranked_in_this_process(shop):
    lazy = nw.from_native(shop.lazy())
    for model in (Popularity(), BPR(BPRConfig(factors=6, iterations=4))):
        artefact = train(model, lazy, cutoff=CUTOFF)

        assert artefact.implementation.is_polars()
        learned = model.fit(Interactions.known_at(CUTOFF, shop))
        assert artefact.collect().to_native().equals(learned)
        lists = batch_top_k([(model, artefact)], lazy, cutoff=CUTOFF, k=5, exclude="seen")
        here = top_k(model, learned, shop, cutoff=CUTOFF, k=5, exclude="seen")
        assert lists.collect().to_native().equals(here)


def test_only_als_is_trained_by_the_cluster():
    offer = {name for name, model in MODELS.items() if type(model) in TRAINED_BY_WORKERS}
    assert offer == {ALS.name}


def test_a_model_without_distributed_training_learns_the_same_bits_from_a_spark_frame(shop, spark):
    model = BPR(BPRConfig(factors=6, iterations=4))
    there = nw.from_native(spark.createDataFrame(shop.to_arrow()))

    artefact = train(model, there, cutoff=CUTOFF)

    learned: pl.DataFrame = artefact.collect("polars").to_native()
    assert learned.equals(model.fit(Interactions.known_at(CUTOFF, shop)))


def test_without_a_part_the_model_made_of_it_is_not_trained_and_says_whose_fault_it_is(shop):
    lazy = nw.from_native(shop.lazy())
    lacking = {"als": Skipped("nobody interacted with two products", part="als")}

    with pytest.raises(InsufficientDataError, match="its part als was not trained: nobody"):
        train(MODELS["two_stage"], lazy, cutoff=CUTOFF, untrained=lacking)

"""Group `experiments`: an A/B test of the recommenders, simulated, and its verdict."""

import dagster as dg
import polars as pl

from persona_assets.ab_testing.calibration import calibration as method_calibration
from persona_assets.evaluation.comparison import newest_evaluated
from persona_assets.experiments import analysis, experiment_plots
from persona_assets.experiments.arms import competing_arms
from persona_assets.experiments.fitted_response import fit_response
from persona_assets.experiments.prices import price_list
from persona_assets.experiments.response import PlantedResponse, ResponseModel
from persona_assets.experiments.simulator import planted_effects, simulate
from persona_assets.orchestration.plot_asset import plot
from persona_assets.orchestration.resources.lake import Lake
from persona_assets.orchestration.resources.source import Shop
from persona_assets.orchestration.table_asset import Reads, table_asset
from persona_assets.orchestration.weekly import at
from persona_assets.skipped import Partial
from persona_assets.tables import evaluation, experiments, features, mart, raw
from persona_assets.tables.models import FALLBACK_USER, TOP_K
from persona_assets.tables.serving import CHAMPION
from persona_assets.transforms.attribute_history import as_known_at, newest
from persona_assets.transforms.history import known_before

EXPERIMENT = "recommender"


@table_asset(
    experiments.AB_TEST_SIMULATION,
    experiments.PLANTED_EFFECTS,
    reads={
        "comparison": Reads(
            evaluation.MODEL_COMPARISON, columns=("cutoff", "model", "metric", "k", "value")
        ),
        "champion": Reads(CHAMPION, columns=("model",)),
        "lists": Reads(TOP_K),
        "interactions": Reads(mart.USER_ITEM_INTERACTIONS, until=evaluation.OFFLINE_METRICS),
        "users": Reads(raw.USER_HISTORY, until=evaluation.OFFLINE_METRICS),
        "products": Reads(raw.PRODUCT_HISTORY, until=evaluation.OFFLINE_METRICS),
        "user_vectors": Reads(features.USER_EMBEDDINGS),
        "item_vectors": Reads(features.ITEM_EMBEDDINGS),
    },
    settings=["hash_key", "seed"],
)
def ab_test_simulation(
    context: dg.AssetExecutionContext,
    shop: Shop,
    comparison: pl.DataFrame,
    champion: pl.DataFrame,
    lists: pl.DataFrame,
    interactions: pl.DataFrame,
    users: pl.DataFrame,
    products: pl.DataFrame,
    user_vectors: pl.DataFrame,
    item_vectors: pl.DataFrame,
) -> tuple[Partial[pl.DataFrame], pl.DataFrame]:
    """A week in which the champion and the two best other models each serve a third of the users.

    At the newest evaluated cut-off. Users respond by the synthetic shop's planted tastes; for a
    real shop by a response model fitted on the mart, and `responses` says so. What they would do on
    average is in `planted_effects`.
    """
    cutoff = newest_evaluated(comparison)
    shown = at(lists, cutoff)
    prices = price_list(as_known_at(products, cutoff), known_before(interactions, cutoff))
    truth = shop.planted_truth(newest(users, "user_id"), newest(products, "product_id"))
    response: ResponseModel
    if truth is None:
        response = fit_response(
            interactions,
            prices,
            at(user_vectors, cutoff),
            at(item_vectors, cutoff),
            cutoff=cutoff,
            seed=shop.settings.seed,
        )
    else:
        people = shown.filter(pl.col("user_id") != FALLBACK_USER)["user_id"].unique().sort()
        response = PlantedResponse(
            people.to_list(), truth.product_ids, *truth.responses(people.to_list(), cutoff)
        )
    arms = competing_arms(champion["model"].item(), comparison)
    simulated = simulate(
        shown,
        response,
        prices,
        experiment=EXPERIMENT,
        cutoff=cutoff,
        arms=arms,
        seed=shop.settings.seed,
    )
    expected = planted_effects(
        shown, response, prices, experiment=EXPERIMENT, cutoff=cutoff, arms=arms
    )
    return Partial(simulated, analysis.unknown_metrics(simulated)), expected


@table_asset(
    experiments.AB_TEST_RESULTS,
    reads={
        "simulation": Reads(experiments.AB_TEST_SIMULATION),
        "truth": Reads(experiments.PLANTED_EFFECTS),
    },
    kinds=["matplotlib"],
    settings=["experiment"],
)
def ab_test_results(
    context: dg.AssetExecutionContext,
    lake: Lake,
    shop: Shop,
    simulation: pl.DataFrame,
    truth: pl.DataFrame,
) -> Partial[pl.DataFrame]:
    """Each arm against control, challengers against each other, and one verdict.

    Conversion decides; click-through and revenue per user are guardrails with margins. Where users
    respond by planted tastes, the true effect stands beside the estimate.
    """
    results = analysis.analyse(
        simulation,
        shop.settings.experiment,
        truth=truth.filter(pl.col("responses") == "planted"),
    )
    plot(context, lake, experiments.AB_TEST_RESULTS, experiment_plots.ab_test_figure(results))
    return Partial(results, analysis.unknown_metrics(simulation))


@table_asset(experiments.CALIBRATION, settings=["seed"])
def calibration(context: dg.AssetExecutionContext, shop: Shop) -> pl.DataFrame:
    """Whether the statistics of experiments keep what they promise; made on request.

    A thousand experiments of each kind are drawn from a known truth and analysed as a shop's are:
    false findings, coverage, power, what looking every day does, lost users, what is shipped.
    """
    return method_calibration(seed=shop.settings.seed)


ASSETS = (ab_test_simulation, ab_test_results, calibration)

"""A small home whose every number is known, written table by table."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import rmtree

import polars as pl
import pytest

from persona_assets.lake import DeltaStore
from persona_assets.report.collect import Report, collect
from persona_assets.run_record import CheckOutcome, RunRecord
from persona_assets.settings import Settings
from persona_assets.tables import TABLES, Table

DAYS = (date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3))
WEEKS = (date(2025, 1, 13), date(2025, 1, 20))
METRICS = ("precision", "recall", "hit_rate", "mrr", "map", "ndcg")
# nDCG@10 of each model in the newest week, its lift's interval, and the verdict on it
MODELS = {
    "als": (0.30, 0.05, 0.15, "better"),
    "bpr": (0.21, -0.02, 0.04, "not distinguishable"),
    "item_knn": (0.15, -0.08, -0.02, "worse"),
    "planted_optimum": (0.60, 0.30, 0.50, "ceiling"),
    "popularity": (0.20, 0.0, 0.0, "baseline"),
}
FILLERS = {
    "string": "x",
    "int64": 1,
    "float64": 0.5,
    "bool": False,
    "date": date(2025, 1, 1),
    "timestamp": datetime(2025, 1, 1, tzinfo=UTC),
    "vector": [0.5],
}


def frame(table: Table, rows: list[dict]) -> pl.DataFrame:
    """Rows of the contract; what a row does not say gets a legal filler."""
    filler = {
        column.name: column.allowed[0] if column.allowed else FILLERS[column.type]
        for column in table.columns
    }
    return pl.DataFrame([{**filler, **row} for row in rows], schema=table.polars_schema)


def write(store: DeltaStore, path: str, rows: list[dict]) -> None:
    table = TABLES[path]
    partitions = sorted({row[table.partition] for row in rows}) if table.partition else None
    store.overwrite(table, frame(table, rows), partitions=partitions)


def on(day: date, rows: int, **values: object) -> list[dict]:
    return [
        {"event_date": day, "source_row": row, "event_id": f"{day}{row}", **values}
        for row in range(rows)
    ]


def measured(week: date, ks: tuple[int, ...] = (5, 10, 20)) -> list[dict]:
    """All models at one cut-off; the second week's values are a tenth higher."""
    rise = 0.1 * WEEKS.index(week)
    return [
        {
            **{"cutoff": week, "model": model, "metric": metric, "k": k},
            **{"value": value + rise, "low": value + rise - 0.03, "high": value + rise + 0.04},
            **{"lift": value - 0.2, "lift_low": low, "lift_high": high, "users": 40},
            **{"mean": value + 0.05, "std": 0.07, "cutoffs": 2, "wins": 2 * (value > 0.2)},
        }
        for model, (value, low, high, _) in MODELS.items()
        for metric in METRICS
        for k in ks
    ]


def known(table: Table, rows: list[dict]) -> list[dict]:
    """The rows without what is not the table's."""
    return [{name: row[name] for name in row if name in table.polars_schema} for row in rows]


def write_events(store: DeltaStore) -> None:
    """Day by day 10 rows of which 2, 0 and 1 are rejected; nothing cleaned on the last day."""
    write(store, "raw/events", [row for day in DAYS for row in on(day, 10)])
    kept = on(DAYS[0], 8) + on(DAYS[1], 9)
    write(store, "mart/user_item_interactions", kept)
    rejected = [
        *on(DAYS[0], 2, rule="no_consent", value="secret"),
        *on(DAYS[1], 1, rule="zero_price"),
    ]
    write(store, "mart/quarantine", rejected)


def write_evaluation(store: DeltaStore) -> None:
    replay = TABLES["evaluation/replay_validation"]
    comparison = TABLES["evaluation/model_comparison"]
    rows = [row for week in WEEKS for row in measured(week)]
    write(store, replay.path, known(replay, rows))
    verdicts = [
        {**row, "against_popularity": MODELS[row["model"]][3]} for row in measured(WEEKS[1])
    ]
    write(store, comparison.path, known(comparison, verdicts))
    analysis = TABLES["evaluation/recommendation_analysis"]
    write(
        store,
        analysis.path,
        [
            {
                **{"cutoff": week, "model": model, "metric": metric, "k": 10},
                "value": None if metric == "intra_list_diversity" else 0.4 + place,
            }
            for place, week in enumerate(WEEKS)
            for model in ("als", "bpr", "item_knn", "popularity")
            for metric in analysis.column("metric").allowed or ()
        ],
    )

    write_comparisons(store)


def write_comparisons(store: DeltaStore) -> None:
    """als beats popularity; bpr cannot be told from it. Older trainings lose a hundredth a week."""
    shown = {"metric": "ndcg", "k": 10, "users": 40}
    ends = {"value": 0.3, "low": 0.25, "high": 0.35}
    tested = [
        (*("als", "bpr"), 0.09, 0.2, "not distinguishable"),
        (*("als", "popularity"), 0.10, 0.01, "better"),
        (*("bpr", "popularity"), 0.01, 0.9, "not distinguishable"),
    ]
    write(
        store,
        "evaluation/pairwise_comparison",
        [
            {
                **{**shown, "cutoff": week, "model": model, "other": other, "low": -0.05},
                **{"difference": difference, "high": 0.2, "p_value": p / 3},
                **{"adjusted_p_value": p, "minimum_detectable": 0.08, "verdict": verdict},
            }
            for week in WEEKS
            for model, other, difference, p, verdict in tested
        ],
    )
    write(
        store,
        "evaluation/segment_metrics",
        [
            {**shown, **ends, "cutoff": week, "model": model, "kind": kind, "segment": segment}
            for week in WEEKS
            for model in ("als", "bpr", "popularity")
            for kind, segment in [
                ("known", "new"),
                ("known", "cold"),
                ("country", "FR"),
                ("customer_segment", "Lost"),
            ]
        ],
    )
    counts = {"touches": 200, "touches_by_cold_users": 25, "touches_of_cold_products": 3}
    write(
        store,
        "evaluation/cold_start",
        [
            {
                **{**counts, "cutoff": week, "users": 80, "cold_users": 12},
                **{"products": 60, "cold_products": 2},
                **{"cold_user_share": 0.125, "cold_product_share": 0.015},
            }
            for week in WEEKS
        ],
    )
    write(
        store,
        "evaluation/staleness",
        [
            {
                **{**shown, **ends, "cutoff": week, "model": model, "age_weeks": age},
                **{"change": -0.01 * (age - 1), "change_low": -0.05, "change_high": 0.01},
            }
            for place, week in enumerate(WEEKS)
            for model in ("als", "popularity")
            for age in range(1, place + 2)
        ],
    )


def write_monitoring(store: DeltaStore) -> None:
    write(
        store,
        "monitoring/data_drift",
        [
            {"cutoff": week, "column": column, "score": score, "threshold": 0.1, "drifted": drifted}
            for week, column, score, drifted in [
                (WEEKS[0], "hour", 0.02, False),
                (WEEKS[0], "unit_price", 0.03, False),
                (WEEKS[1], "hour", 0.04, False),
                (WEEKS[1], "unit_price", 0.25, True),
            ]
        ],
    )


def write_experiment(store: DeltaStore) -> None:
    arms = {"control": "popularity", "challenger_1": "als", "challenger_2": "bpr"}
    shared = {"experiment": "recommender", "cutoff": WEEKS[1], "responses": "planted"}
    write(
        store,
        "experiments/ab_test_simulation",
        [
            {**shared, "user_id": f"{arm}{user}", "arm": arm, "model": model}
            for arm, model in arms.items()
            for user in range(4 if arm == "control" else 3)
        ],
    )
    write(
        store,
        "experiments/ab_test_results",
        [
            {
                **shared,
                **{"arm": arm, "model": arms[arm], "metric": metric, "users": 3},
                **{"control_users": 4, "value": 0.06, "control_value": 0.05, "effect": 0.01},
                **{"low": 0.002, "high": 0.018, "p_value": 0.01, "adjusted_p_value": 0.04},
                **{"srm_p_value": 0.8, "verdict": "Ship challenger_2 <b>now</b>."},
                **{"against": "control", "decision": "ship", "shipped_arm": "challenger_2"},
                **{"finding": "gain", "true_effect": 0.012, "minimum_detectable": 0.02},
            }
            for arm in ("challenger_2", "challenger_1")
            for metric in ("ctr", "conversion", "revenue_per_user")
        ],
    )


def write_live_experiments(store: DeltaStore) -> None:
    """One is over and would ship bpr, one runs and has too few users for a comparison."""
    over = {"days": 28, "planned_days": 28, "users": 3900, "planned_users": 4000}
    runs = {"days": 3, "planned_days": 14, "users": 1, "planned_users": 50}
    write(
        store,
        "experiments/verdict",
        [
            {
                **{"experiment": "spring", "decision": "ship", "shipped_arm": "challenger"},
                **{"shipped_model": "bpr", "verdict": "Ship <i>challenger</i>.", **over},
                **{"running": False, "excluded_users": 2, "srm_p_value": 0.7},
            },
            {
                **{"experiment": "summer", "decision": "go_on", "shipped_arm": None, **runs},
                **{"shipped_model": None, "verdict": "Go on: too few.", "running": True},
                **{"excluded_users": 0, "srm_p_value": None},
            },
        ],
    )
    compared = {
        **{"experiment": "spring", "arm": "challenger", "against": "control", "users": 1950},
        **{"against_users": 1948, "p_value": 0.01, "method": "z"},
    }
    write(
        store,
        "experiments/results",
        [
            {
                **{**compared, "metric": "conversion", "role": "primary", "value": 0.12},
                **{"against_value": 0.1, "effect": 0.02, "low": 0.005, "high": 0.035},
                **{"adjusted_p_value": 0.01, "margin": None, "finding": "gain"},
            },
            {
                **{**compared, "metric": "revenue_per_user", "role": "guardrail", "value": 3.0},
                **{"against_value": 3.0, "effect": 0.0, "low": None, "high": None},
                **{"adjusted_p_value": None, "margin": 0.15, "finding": "unknown"},
            },
        ],
    )


def write_segmentation(store: DeltaStore) -> None:
    """Two segments of two and four customers; of four in migration one moved and one left."""
    members = [(1, "Champions", number) for number in range(2)]
    members += [(2, "Lapsing", number) for number in range(4)]
    users = [
        {"cutoff": week, "user_id": f"member{segment}{number}", "segment": segment, "name": name}
        for week in WEEKS
        for segment, name, number in members
    ]
    components = [[float(place % 5), float(place % 3), float(place % 2)] for place in range(12)]
    write(
        store,
        "segmentation/customer_segments",
        [{**row, "components": vector} for row, vector in zip(users, components, strict=True)],
    )
    features = TABLES["segmentation/customer_features"]
    write(
        store,
        features.path,
        [
            {**row, "gross_spend": 300.0 / place, "orders": place}
            for place, row in enumerate(known(features, users), start=1)
        ],
    )
    profile = {"description": "They spend <far> more.", "outliers": 1}
    write(
        store,
        "segmentation/segment_profiles",
        [
            {
                **{**profile, "cutoff": week, "segment": number, "name": name},
                **{"action": f"Act {number} & more.", "customers": size, "revenue": revenue},
                **{"customer_share": size / 6, "revenue_share": revenue / 1000},
                "countries": '{"France": 0.75, "unknown": 0.25}',
            }
            for week in WEEKS
            for number, name, size, revenue in [(1, "Champions", 2, 800), (2, "Lapsing", 4, 200)]
        ],
    )
    write(
        store,
        "segmentation/clustering_comparison",
        [
            {
                **{"cutoff": week, "method": method, "k": k, "silhouette": 0.1 * k},
                **{"stability": 0.9, "stability_low": 0.7, "stability_high": 0.95},
                "chosen": (method, k) == ("k_means", 2),
            }
            for week in WEEKS
            for method in ("k_means", "gaussian_mixture")
            for k in (2, 3)
        ],
    )
    steps = [("delivered", 0, 100, 8, True), ("no_user", 10, 90, 7, True)]
    steps += [("outliers", 5, 90, 7, False)]
    names = ("step", "rows", "rows_left", "customers_left", "removes")
    write(
        store,
        "segmentation/cleaning_steps",
        [
            {"cutoff": week, "position": place, "amount_left": 1000.0}
            | dict(zip(names, step, strict=True))
            for week in WEEKS
            for place, step in enumerate(steps)
        ],
    )
    write(
        store,
        "segmentation/segment_migration",
        [
            {
                **{"cutoff": WEEKS[1], "from_cutoff": WEEKS[0], "from_segment": went},
                **{"to_segment": came, "customers": customers, "share": share},
            }
            for went, came, customers, share in [
                (0, 2, 3, 1.0),
                (1, 1, 2, 1.0),
                (2, 1, 1, 0.5),
                (2, 0, 1, 0.5),
            ]
        ],
    )


RECORD = RunRecord(
    started="2025-01-27T06:00:00+00:00",
    total=75.0,
    framework=15.0,
    seconds={"raw/events": 20.0, "mart/user_item_interactions": 40.0},
    checks=(
        CheckOutcome("raw/events", "contract", "2025-01-01", "passed"),
        CheckOutcome("raw/events", "contract", "2025-01-02", "passed"),
        *(
            CheckOutcome("mart/quarantine", "few", f"2025-01-0{day}", "warned", "many rejected")
            for day in (4, 1, 3, 2)
        ),
    ),
    fingerprint="f",
    versions={},
)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def store(settings: Settings) -> DeltaStore:
    store = DeltaStore(settings.lake_root)
    write_events(store)
    write_evaluation(store)
    write_monitoring(store)
    write_experiment(store)
    write_segmentation(store)
    return store


@pytest.fixture(scope="session")
def full(store: DeltaStore, settings: Settings) -> Report:
    """Of a home in which everything is there."""
    return collect(store, settings, RECORD)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of a home in which nothing is there."""
    home = tmp_path_factory.mktemp("bare")
    return collect(DeltaStore(str(home / "lake")), Settings(home=home), None)


@pytest.fixture
def half(tmp_path: Path) -> Callable[..., Report]:
    """half("events", …, without=path) -> report of a home with only these parts, and no run."""
    writers = {
        "events": write_events,
        "evaluation": write_evaluation,
        "monitoring": write_monitoring,
        "experiment": write_experiment,
        "live experiments": write_live_experiments,
        "segmentation": write_segmentation,
    }

    def build(*parts: str, without: str = "") -> Report:
        settings = Settings(home=tmp_path)
        store = DeltaStore(settings.lake_root)
        for part in parts:
            writers[part](store)
        if without:
            rmtree(tmp_path / "lake" / without)
        return collect(store, settings, None)

    return build


@pytest.fixture
def put() -> Callable[[DeltaStore, str, list[dict]], None]:
    """put(store, path, rows): overwrite the partitions of these rows."""
    return write

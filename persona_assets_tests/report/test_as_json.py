import json
import math
import re
from dataclasses import replace

import polars as pl
import pytest

from persona_assets.report import as_json as module
from persona_assets.report.as_json import as_json
from persona_assets.run_record import RunRecord

DAY = re.compile(r"\d{4}-\d\d-\d\d")
METRIC = re.compile(r"[a-z_]+@\d+")
PATH = re.compile(r"[a-z_]+/[a-z_]+")
NUMBER = (int, float)


def null_or(schema):
    return [None, schema]


MEASURED = {"value": NUMBER, "low": NUMBER, "high": NUMBER}
COMPARED = {
    **MEASURED,
    **{"lift": NUMBER, "lift_low": NUMBER, "lift_high": NUMBER, "against_popularity": str},
}
SCHEMA = {
    "home": str,
    "engine": str,
    "source": {"name": str, "start": DAY, "end": null_or(DAY)},
    "tables": {PATH: {"rows": int, "version": int, "partitions": int, "content_hash": str}},
    "conservation": {
        **dict.fromkeys(("raw_rows", "mart_rows", "quarantine_rows", "pending_rows"), int),
        "by_reason": {re.compile("[a-z_]+"): int},
    },
    "models": {re.compile("[a-z_]+"): {"cutoff": DAY, METRIC: COMPARED}},
    "beyond_accuracy": {re.compile("[a-z_]+"): {"cutoff": DAY, METRIC: null_or(NUMBER)}},
    "pairs": (
        {
            **dict.fromkeys(("model", "other", "verdict"), str),
            "metric": METRIC,
            **dict.fromkeys(("difference", "low", "high", "p_value", "adjusted_p_value"), NUMBER),
            "minimum_detectable": null_or(NUMBER),
        },
    ),
    "segments": {
        re.compile("[a-z_]+"): {
            re.compile("[a-z_]+"): {re.compile(".+"): {METRIC: {**MEASURED, "users": int}}}
        }
    },
    "cold_start": {
        DAY: {
            **dict.fromkeys(("touches", "touches_by_cold_users", "touches_of_cold_products"), int),
            **dict.fromkeys(("users", "cold_users", "products", "cold_products"), int),
            **dict.fromkeys(("cold_user_share", "cold_product_share"), null_or(NUMBER)),
        }
    },
    "staleness": {
        re.compile("[a-z_]+"): {
            DAY: {
                re.compile("[1-4]"): {
                    METRIC: {
                        **MEASURED,
                        **dict.fromkeys(("change", "change_low", "change_high"), NUMBER),
                    }
                }
            }
        }
    },
    "replay": {re.compile("[a-z_]+"): {DAY: {METRIC: MEASURED}}},
    "drift": {
        DAY: {
            "drift_share": NUMBER,
            "columns": {
                re.compile("[a-z_]+"): {
                    **{"score": NUMBER, "threshold": NUMBER, "method": str, "drifted": bool}
                }
            },
        }
    },
    "champion": null_or(
        {
            **dict.fromkeys(("model", "parameters", "action", "evidence"), str),
            "since": null_or(re.compile(r"\d{4}-\d\d-\d\dT.*")),
            "cutoff": null_or(DAY),
            "artefact_hash": null_or(str),
        }
    ),
    "ab_test": {
        "experiment": null_or(str),
        "cutoff": null_or(DAY),
        "responses": null_or(str),
        "verdict": null_or(str),
        "decision": null_or(str),
        "shipped_arm": null_or(str),
        "srm_p_value": null_or(NUMBER),
        "arms": {re.compile("[a-z_0-9]+"): {"model": str, "users": int}},
        "effects": (
            {
                "arm": str,
                "metric": str,
                **dict.fromkeys(("value", "control_value", "effect", "p_value"), NUMBER),
                "against": str,
                "finding": str,
                **dict.fromkeys(
                    (
                        *("low", "high"),
                        *("adjusted_p_value", "true_effect", "minimum_detectable", "margin"),
                    ),
                    null_or(NUMBER),
                ),
            },
        ),
    },
    "live_experiments": (
        {
            **dict.fromkeys(("experiment", "decision", "verdict"), str),
            **dict.fromkeys(("shipped_arm", "shipped_model"), null_or(str)),
            **dict.fromkeys(("days", "planned_days", "users", "planned_users"), int),
            **{"running": bool, "excluded_users": int, "through": DAY},
            "srm_p_value": null_or(NUMBER),
            "results": (
                {
                    **dict.fromkeys(("experiment", "metric", "role", "arm", "against"), str),
                    **dict.fromkeys(("users", "against_users"), int),
                    **dict.fromkeys(("value", "against_value", "effect", "p_value"), NUMBER),
                    **dict.fromkeys(("low", "high", "adjusted_p_value", "margin"), null_or(NUMBER)),
                    **{"finding": str, "method": str},
                },
            ),
        },
    ),
    "customers": {
        "cutoff": null_or(DAY),
        "method": null_or(str),
        "k": null_or(int),
        **dict.fromkeys(("silhouette", "calinski_harabasz", "davies_bouldin"), null_or(NUMBER)),
        **dict.fromkeys(("stability", "stability_low", "stability_high"), null_or(NUMBER)),
        "segments": (
            {
                **dict.fromkeys(("segment", "customers", "outliers"), int),
                **dict.fromkeys(("name", "description"), str),
                "action": null_or(str),
                "customer_share": NUMBER,
                **dict.fromkeys(("revenue", "revenue_share"), null_or(NUMBER)),
                "countries": {re.compile(".+"): NUMBER},
            },
        ),
        "cleaning": (
            {
                **dict.fromkeys(("rows", "rows_left", "customers_left"), int),
                **{"step": str, "amount_left": NUMBER, "removes": bool},
            },
        ),
        "churn": {
            "since": null_or(DAY),
            **dict.fromkeys(("customers", "moved", "left", "joined"), null_or(int)),
        },
        "migration": (
            {
                **dict.fromkeys(("from_segment", "to_segment", "customers"), int),
                "share": NUMBER,
            },
        ),
    },
    "skipped": (dict.fromkeys(("table", "partition", "part", "reason"), str),),
    "checks": {
        **dict.fromkeys(("passed", "failed", "warned"), int),
        "problems": (
            dict.fromkeys(("asset", "check", "partition", "outcome", "description"), str),
        ),
    },
    "seconds": {PATH: NUMBER, "framework": null_or(NUMBER), "total": null_or(NUMBER)},
}


def check(value, schema, where="$"):
    """A pattern as a key stands for any number of keys; a one-tuple for a list; a list: either."""
    if isinstance(schema, list):
        if value is not None:
            check(value, schema[1], where)
    elif isinstance(schema, dict):
        assert isinstance(value, dict), where
        fixed = {name for name in schema if isinstance(name, str)}
        patterns = [name for name in schema if not isinstance(name, str)]
        assert fixed <= value.keys(), where
        for name, each in value.items():
            if name in fixed:
                check(each, schema[name], f"{where}.{name}")
            else:
                matching = [pattern for pattern in patterns if pattern.fullmatch(name)]
                assert matching, f"{where}.{name} is not in the schema"
                check(each, schema[matching[0]], f"{where}.{name}")
    elif isinstance(schema, tuple) and isinstance(schema[0], dict):
        assert isinstance(value, list), where
        for place, each in enumerate(value):
            check(each, schema[0], f"{where}[{place}]")
    elif isinstance(schema, re.Pattern):
        assert isinstance(value, str), where
        assert schema.fullmatch(value), f"{where}: {value}"
    else:
        assert isinstance(value, schema), f"{where}: {value!r}"
        assert schema is bool or not isinstance(value, bool), where


@pytest.fixture
def document(full):
    return json.loads(as_json(full))


def test_a_full_home_keeps_the_schema(document):
    check(document, SCHEMA)
    assert list(document) == list(SCHEMA)


@pytest.mark.parametrize(
    "parts",
    [
        *(["events"], ["evaluation"], ["monitoring"], ["experiment"], ["live experiments"]),
        ["segmentation"],
    ],
)
def test_half_a_home_keeps_the_schema(half, parts):
    document = json.loads(as_json(half(*parts)))
    check(document, SCHEMA)
    assert list(document) == list(SCHEMA)


def test_an_empty_home_has_every_key_with_nothing_in_it(bare):
    document = json.loads(as_json(bare))
    check(document, SCHEMA)
    assert document["ab_test"] == {
        **dict.fromkeys(("experiment", "cutoff", "responses", "verdict", "srm_p_value")),
        **dict.fromkeys(("decision", "shipped_arm")),
        **{"arms": {}, "effects": []},
    }
    assert document["seconds"] == {"framework": None, "total": None}
    assert [document[name] for name in ("tables", "models", "replay", "drift")] == [{}] * 4
    assert [document[name] for name in ("segments", "cold_start", "staleness")] == [{}] * 3
    assert document["pairs"] == []
    customers = document["customers"]
    assert [customers.pop(name) for name in ("segments", "cleaning", "migration")] == [[], [], []]
    assert set(customers.pop("churn").values()) | set(customers.values()) == {None}


def test_the_schema_checker_sees_a_wrong_type_and_a_strange_key(document):
    document["conservation"]["raw_rows"] = "30"
    with pytest.raises(AssertionError, match="raw_rows"):
        check(document, SCHEMA)
    document["conservation"]["raw_rows"] = 30
    document["models"]["als"]["surprise"] = {}
    with pytest.raises(AssertionError, match="surprise"):
        check(document, SCHEMA)


def test_every_key_of_the_first_level_is_documented(document):
    assert [name for name in document if f"`{name}`" not in module.__doc__] == []


def test_known_numbers_stand_where_the_interface_says(document):
    assert document["models"]["als"]["cutoff"] == "2025-01-20"
    assert document["models"]["als"]["ndcg@10"]["value"] == pytest.approx(0.4)
    assert document["models"]["item_knn"]["ndcg@10"]["against_popularity"] == "worse"
    assert document["models"]["planted_optimum"]["recall@5"]["low"] == pytest.approx(0.67)
    assert document["replay"]["bpr"]["2025-01-13"]["map@20"]["high"] == pytest.approx(0.25)
    assert document["beyond_accuracy"]["bpr"]["gini@10"] == 1.4
    assert document["beyond_accuracy"]["bpr"]["intra_list_diversity@10"] is None
    pair = document["pairs"][1]
    assert (pair["model"], pair["other"], pair["metric"]) == ("als", "popularity", "ndcg@10")
    assert (pair["adjusted_p_value"], pair["verdict"]) == (0.01, "better")
    assert document["segments"]["bpr"]["known"]["cold"]["ndcg@10"]["users"] == 40
    assert document["cold_start"]["2025-01-13"]["touches_by_cold_users"] == 25
    assert document["staleness"]["als"]["2025-01-20"]["2"]["ndcg@10"]["change"] == -0.01
    assert [week["drift_share"] for week in document["drift"].values()] == [0.0, 0.5]
    assert document["drift"]["2025-01-20"]["columns"]["unit_price"]["drifted"] is True
    assert document["ab_test"]["arms"]["control"] == {"model": "popularity", "users": 4}
    assert len(document["ab_test"]["effects"]) == 6
    customers = document["customers"]
    assert (customers["cutoff"], customers["method"], customers["k"]) == (
        "2025-01-20",
        "k_means",
        2,
    )
    assert customers["silhouette"] == 0.2
    assert [each["name"] for each in customers["segments"]] == ["Champions", "Lapsing"]
    assert customers["segments"][0]["countries"] == {"France": 0.75, "unknown": 0.25}
    assert [each["customers_left"] for each in customers["cleaning"]] == [8, 7, 7]
    assert customers["churn"] == {
        **{"since": "2025-01-13", "customers": 4, "moved": 1, "left": 1, "joined": 3}
    }
    assert document["checks"]["passed"] == 2
    assert document["checks"]["warned"] == len(document["checks"]["problems"]) == 4
    assert document["seconds"] == {
        "mart/user_item_interactions": 40.0,
        "raw/events": 20.0,
        "framework": 15.0,
        "total": 75.0,
    }


def test_raw_rows_are_the_sum_of_where_they_went(document):
    rows = document["conservation"]
    parts = ("mart_rows", "quarantine_rows", "pending_rows")
    assert rows["raw_rows"] == sum(rows[name] for name in parts)
    assert rows["quarantine_rows"] == sum(rows["by_reason"].values())


def test_no_value_is_nan(full):
    broken = replace(
        full,
        drift=full.drift.with_columns(score=pl.lit(math.nan), threshold=pl.lit(math.inf)),
    )
    document = json.loads(as_json(broken), parse_constant=pytest.fail)
    assert document["drift"]["2025-01-20"]["columns"]["hour"]["score"] is None
    assert document["drift"]["2025-01-20"]["columns"]["hour"]["threshold"] is None


def test_equal_reports_are_equal_texts_whatever_the_order_of_the_seconds(full):
    run = full.run
    turned = RunRecord(**{**vars(run), "seconds": dict(reversed(run.seconds.items()))})
    assert as_json(replace(full, run=turned)) == as_json(full)


def test_no_rejected_value_and_no_user_is_repeated(full):
    text = as_json(full)
    assert "secret" not in text
    assert "control0" not in text
    assert "member1" not in text


def test_there_is_no_advice_on_segments_that_are_not_stable(full):
    def actions(report):
        return {row["action"] for row in json.loads(as_json(report))["customers"]["segments"]}

    tried = full.customers.tried.with_columns(stability=pl.lit(0.62))
    assert None not in actions(full)
    assert actions(replace(full, customers=replace(full.customers, tried=tried))) == {None}

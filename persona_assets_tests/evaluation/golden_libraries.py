"""Writes `golden_libraries.json`: what other libraries say of a few small lists.

RecTools, RePlay and recommenders do not install beside this package (they want NumPy 1 or older
SciPy). Run this in an environment of theirs, and commit what it writes:

    pip install rectools==0.19.0 && pip install --no-deps replay-rec==0.22.0 recommenders==1.2.1
    pip install polars lightning-utilities "setuptools<81" "scikit-learn<1.6"
    python golden_libraries.py
"""

import json
import random
import warnings
from pathlib import Path

KS = (1, 3, 5, 10, 20)
USERS, ITEMS, LENGTH = 12, 40, 20


def cases():
    """Lists, most of them full, and truths of one to many products; the first finds nothing."""
    generator = random.Random(7)
    lists, truth = {}, {}
    for user in range(USERS):
        listed = generator.sample(range(ITEMS), LENGTH if user % 4 else 7)
        wanted = generator.choice([1, 2, 4, 8, 25])
        relevant = {*generator.sample(range(ITEMS), wanted), *generator.sample(listed, wanted % 5)}
        if user == 0:
            relevant = set(range(ITEMS)) - set(listed)
        lists[f"u{user:02d}"] = [f"i{item:02d}" for item in listed]
        truth[f"u{user:02d}"] = sorted(f"i{item:02d}" for item in relevant)
    before = {
        f"u{user:02d}": sorted(f"i{item:02d}" for item in generator.sample(range(ITEMS), 15))
        for user in range(USERS)
    }
    return lists, truth, before


def rectools(lists, truth, before):
    import pandas as pd
    from rectools.metrics import (
        MAP,
        MRR,
        NDCG,
        AvgRecPopularity,
        CatalogCoverage,
        F1Beta,
        HitRate,
        MeanInvUserFreq,
        Precision,
        Recall,
    )  # fmt: skip

    reco = pd.DataFrame(
        [(u, i, r) for u, items in lists.items() for r, i in enumerate(items, start=1)],
        columns=["user_id", "item_id", "rank"],
    )
    true = pd.DataFrame(
        [(u, i) for u, items in truth.items() for i in items], columns=["user_id", "item_id"]
    )
    known = pd.DataFrame(
        [(u, i) for u, items in before.items() for i in items], columns=["user_id", "item_id"]
    )
    makers = {
        "precision": Precision,
        "r_precision": lambda k: Precision(k, r_precision=True),
        "recall": Recall,
        "f1": F1Beta,
        "hit_rate": HitRate,
        "mrr": MRR,
        "map": MAP,
        "map_divided_by_k": lambda k: MAP(k, divide_by_k=True),
        "ndcg": NDCG,
        "ndcg_achievable": lambda k: NDCG(k, divide_by_achievable=True),
    }
    values = {name: {k: make(k).calc(reco, true) for k in KS} for name, make in makers.items()}
    values["novelty"] = {k: MeanInvUserFreq(k).calc(reco, known) for k in KS}
    values["average_popularity"] = {k: AvgRecPopularity(k).calc(reco, known) for k in KS}
    catalog = known["item_id"].unique()
    values["catalog_coverage"] = {
        k: CatalogCoverage(k, normalize=True).calc(reco[reco["item_id"].isin(catalog)], catalog)
        for k in KS
    }
    return values


def replay(lists, truth):
    from replay.metrics import MAP, MRR, NDCG, HitRate, Precision, Recall, RocAuc

    metrics = {
        "precision": Precision, "recall": Recall, "hit_rate": HitRate, "mrr": MRR, "map": MAP,
        "ndcg": NDCG, "auc": RocAuc,
    }  # fmt: skip
    scored = {u: [(i, -float(r)) for r, i in enumerate(items)] for u, items in lists.items()}
    return {
        name: {k: next(iter(metric(k)(scored, truth).values())) for k in KS}
        for name, metric in metrics.items()
    }


def recommenders(lists, truth):
    import pandas as pd
    from recommenders.evaluation import python_evaluation as theirs

    pred = pd.DataFrame(
        [(u, i, -float(r)) for u, items in lists.items() for r, i in enumerate(items)],
        columns=["userID", "itemID", "prediction"],
    )
    true = pd.DataFrame(
        [(u, i, 1.0) for u, items in truth.items() for i in items],
        columns=["userID", "itemID", "rating"],
    )
    metrics = {
        "precision": theirs.precision_at_k, "recall": theirs.recall_at_k, "map": theirs.map,
        "map_at_k": theirs.map_at_k, "ndcg": theirs.ndcg_at_k,
        "r_precision": theirs.r_precision_at_k,
    }  # fmt: skip
    return {name: {k: metric(true, pred, k=k) for k in KS} for name, metric in metrics.items()}


def main():
    warnings.simplefilter("ignore")
    lists, truth, before = cases()
    document = {
        "lists": lists,
        "truth": truth,
        "before": before,
        "values": {
            "rectools": rectools(lists, truth, before),
            "replay": replay(lists, truth),
            "recommenders": recommenders(lists, truth),
        },
    }
    text = json.dumps(document, indent=1, default=float)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""13 metrics at 3 cut-offs by RecTools, for `performance/speed.py`; it needs nothing of ours.

python rectools_script.py FOLDER RUNS     # lists.parquet and truth.parquet in FOLDER
"""

import json
import statistics
import sys
import time

import pandas as pd
from rectools import Columns
from rectools.metrics import (
    MAP,
    MRR,
    NDCG,
    PAP,
    AvgRecPopularity,
    F1Beta,
    HitRate,
    MeanInvUserFreq,
    PartialAUC,
    Precision,
    Recall,
    Serendipity,
    calc_metrics,
)

folder, runs = sys.argv[1], int(sys.argv[2])
names = {"user_id": Columns.User, "product_id": Columns.Item, "rank": Columns.Rank}
lists = pd.read_parquet(f"{folder}/lists.parquet").rename(columns=names)
truth = pd.read_parquet(f"{folder}/truth.parquet").rename(columns=names)
lists = lists[[Columns.User, Columns.Item, Columns.Rank]]
metrics = {}
for k in (5, 10, 20):
    metrics |= {
        f"precision@{k}": Precision(k=k),
        f"recall@{k}": Recall(k=k),
        f"f1@{k}": F1Beta(k=k),
        f"hit_rate@{k}": HitRate(k=k),
        f"r_precision@{k}": Precision(k=k, r_precision=True),
        f"map@{k}": MAP(k=k),
        f"ndcg@{k}": NDCG(k=k),
        f"mrr@{k}": MRR(k=k),
        f"auc@{k}": PartialAUC(k=k),
        f"pap@{k}": PAP(k=k),
        f"novelty@{k}": MeanInvUserFreq(k=k),
        f"popularity@{k}": AvgRecPopularity(k=k),
        f"serendipity@{k}": Serendipity(k=k),
    }
catalog = lists[Columns.Item].unique()
taken = []
for _ in range(runs + 1):
    started = time.perf_counter()
    found = calc_metrics(metrics, lists, truth, prev_interactions=truth, catalog=catalog)
    taken.append(time.perf_counter() - started)
print(
    json.dumps(
        {name: float(value) for name, value in found.items()}
        | {"seconds": statistics.median(taken[1:])}
    )
)

"""The point-in-time join of `performance/feature_store.py` by Feast, in a Python that has it.

    FEAST_PYTHON performance/by_hand/feast_script.py --work W --rows N --store duckdb --features A,B

One feature view over one Parquet file, time to live one day. The seconds are those from
`get_historical_features` to a data frame in memory; registering the view is left out.
"""

import argparse
import json
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

os.environ["FEAST_USAGE"] = "False"

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import Float64, Int64
from feast.value_type import ValueType


def main() -> None:
    """Measure, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--store", choices=["duckdb", "dask"], required=True)
    parser.add_argument("--features", required=True)
    given = parser.parse_args()
    names = given.features.split(",")
    registry = Path(tempfile.mkdtemp(prefix="feast-"))
    store = FeatureStore(
        config=RepoConfig(
            project="snapshots",
            provider="local",
            registry=str(registry / "registry.db"),
            online_store={"type": "sqlite", "path": str(registry / "online.db")},
            offline_store={"type": given.store},
            entity_key_serialization_version=3,
        )
    )
    person = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
    source = FileSource(path=str(given.work / "feast.parquet"), timestamp_field="event_timestamp")
    view = FeatureView(
        name="user_features",
        entities=[person],
        ttl=timedelta(days=1),
        schema=[Field(name=name, dtype=Float64 if "revenue" in name else Int64) for name in names],
        source=source,
        online=False,
    )
    store.apply([person, view])
    entities = pd.read_parquet(given.work / f"entities-{given.rows}.parquet")
    entities = entities.rename(columns={"timestamp": "event_timestamp"})
    asked = [f"user_features:{name}" for name in names]
    wall, processor = time.perf_counter(), time.process_time()
    found = store.get_historical_features(entity_df=entities, features=asked).to_df()
    seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
    sums = {name: float(found[name].sum()) for name in names}
    nulls = {name: int(found[name].isna().sum()) for name in names}
    print(json.dumps(seconds | {"rows": len(found), "sums": sums, "nulls": nulls}))


if __name__ == "__main__":
    main()

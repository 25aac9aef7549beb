"""A Spark driver that works on the lake of its environment, and tells what it did and said.

Arguments: ISO dates. The first day's rows in `mart/quarantine` are read by Spark; then threads
write them again as the other days', at once. Says `ready` when it has read, waits for a line on its
standard input, then prints one JSON object.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import narwhals as nw

from persona_assets import settings as settings_module
from persona_assets.errors import PersonaError
from persona_assets.lake import Commit, DeltaStore
from persona_assets.orchestration.resources.build import build_store
from persona_assets.tables.mart import QUARANTINE

THREADS = 2


def said_of(store: DeltaStore, frame: nw.LazyFrame, day: date) -> str:
    """The error of a write to a bucket that does not exist."""
    try:
        replace(store, root="s3://no-such-bucket/lake").overwrite(
            QUARANTINE, frame, partitions=[day]
        )
    except PersonaError as error:
        return f"{error!r} {error.__cause__!r}"
    return "no error"


def main() -> None:
    first, *others = (date.fromisoformat(day) for day in sys.argv[1:])
    settings = settings_module.load()
    store = build_store(settings)
    frame = store.scan(QUARANTINE, [first])
    read = store.engine.collect(frame)
    print("ready", flush=True)
    sys.stdin.readline()

    def write(day: date) -> dict[str, object]:
        value = nw.lit(f"spark on {day}").alias("value")
        moved = frame.with_columns(nw.lit(day).alias("event_date"), value)
        written = store.overwrite(
            QUARANTINE, moved, partitions=[day], commit=Commit(run_id="a-run", asset="an-asset")
        )
        return {"version": written.version, "hashes": dict(written.hashes)}

    with ThreadPoolExecutor(THREADS) as threads:
        commits = list(threads.map(write, others))
    conf = frame.to_native().sparkSession.sparkContext.getConf().getAll()
    told = {
        "read": sorted(set(read["value"])),
        "commits": commits,
        "said": [str(conf), repr(settings), repr(store), said_of(store, frame, first)],
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()

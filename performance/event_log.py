"""What Dagster's own bookkeeping costs in a range run: the stock event log against ours.

    python performance/event_log.py [--assets 10] [--days 60] [--runs 3]

A range run over trivial assets, each with one partitioned check, on the stock SQLite event log, the
same with batched events, and on `PooledSqliteEventLogStorage`. Prints medians over the runs.
"""

import argparse
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("PERSONA_HOME", tempfile.mkdtemp())
warnings.simplefilter("ignore")

import dagster as dg  # noqa: E402

from persona_assets.orchestration.checks.partitioned import asset_check  # noqa: E402
from persona_assets.orchestration.resources import instance as persona_instance  # noqa: E402
from persona_assets.tables.contract import Column, Table  # noqa: E402


class _Lake:
    """The one resource that checks ask for."""

    store = None


def graph(assets: int, days: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Trivial assets over `days`, one partitioned check each."""
    made, checks = [], []
    for number in range(assets):
        table = Table(
            "benchmark",
            f"table_{number}",
            "a day",
            ("day",),
            (Column("day", "date", "day"),),
            "day",
        )
        key = dg.AssetKey([table.group, table.name])

        @dg.asset(key=key, partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
        def trivial(context: dg.AssetExecutionContext) -> None:
            del context

        made.append(trivial)
        checks.append(
            asset_check(
                table,
                days,
                lambda asked: {key: dg.AssetCheckResult(passed=True) for key in asked.keys},
                name="contract",
                description="passes",
                blocking=False,
            )
        )
    return dg.Definitions(
        assets=made,
        asset_checks=checks,
        jobs=[dg.define_asset_job("all", "*")],
        resources={"lake": _Lake()},
    )


def seconds(defs: dg.Definitions, first: str, last: str, *, ours: bool, batched: bool) -> float:
    """Wall time of one range run on a fresh instance."""
    home = Path(tempfile.mkdtemp())
    os.environ.pop("DAGSTER_HOME", None)
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = str(
        persona_instance.EVENT_BATCH_SIZE if batched else 0
    )
    folder = persona_instance.prepare(home)
    if not ours:
        (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    with dg.DagsterInstance.get() as instance:
        started = time.perf_counter()
        result = defs.resolve_job_def("all").execute_in_process(
            instance=instance,
            tags={
                "dagster/asset_partition_range_start": first,
                "dagster/asset_partition_range_end": last,
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        assert result.success
        return time.perf_counter() - started


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=10)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    days = dg.DailyPartitionsDefinition("2024-01-01")
    keys = days.get_partition_keys()[: given.days]
    defs = graph(given.assets, days)
    print(f"{given.assets} assets × {given.days} days, one partitioned check each")
    for label, ours, batched in (
        ("stock", False, False),
        ("stock, batched", False, True),
        ("pooled, batched (persona_assets)", True, True),
    ):
        times = [
            seconds(defs, keys[0], keys[-1], ours=ours, batched=batched) for _ in range(given.runs)
        ]
        print(f"{label:34} {statistics.median(times):7.1f} s")


if __name__ == "__main__":
    main()

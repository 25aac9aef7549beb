r"""The daily tables by persona_assets' own Dagster job, over raw tables that are already there.

    PERSONA_HOME=HOME PERSONA_ENGINE=polars python performance/our_job.py \
        --events 1000000 --days 60 --seconds FILE

One run of `daily_tables` over the whole range, checks included, less the raw tables.
"""

import argparse
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import raw_shop

from persona_assets import settings
from persona_assets.settings import SourceSettings


def main() -> None:
    """Fill the lake of the home."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--days", type=int, required=True)
    parser.add_argument("--seconds", type=Path, required=True)
    given = parser.parse_args()
    shop = raw_shop.shop(given.events, given.days)
    source = SourceSettings(
        "synthetic",
        shop.start,
        shop.start + timedelta(given.days),
        {"users": shop.people, "products": shop.articles, "seed": shop.seed},
    )
    current = replace(settings.load(), source=source)
    settings.save(current)

    # Only now: partitions are made from the settings just saved.
    from persona_assets.definitions import HOME, defs
    from persona_assets.orchestration.resources import instance
    from persona_assets.orchestration.runs.execute import execute
    from persona_assets.orchestration.runs.plan import PlannedRun

    instance.prepare(current.home)
    job = defs.resolve_job_def("daily_tables")
    made = [
        key.to_user_string()
        for key in job.asset_layer.executable_asset_keys
        if not key.to_user_string().startswith("raw/")
    ]
    daily = PlannedRun("daily_tables", HOME.calendar.daily.get_partition_keys(), assets=made)
    record = execute(current, defs, [daily])
    if failed := [check for check in record.checks if check.outcome == "failed"]:
        raise SystemExit(f"{len(failed)} checks failed, first {failed[0]}")
    given.seconds.write_text(json.dumps({**record.seconds, "framework": record.framework}))


if __name__ == "__main__":
    main()

"""A process that runs the daily and the weekly jobs of the home that its environment names."""

from persona_assets import settings as settings_module
from persona_assets.orchestration.resources import instance


def main() -> None:
    settings = settings_module.load()
    instance.prepare(settings.home)
    from persona_assets.definitions import HOME, defs
    from persona_assets.orchestration.runs.execute import execute
    from persona_assets.orchestration.runs.plan import PlannedRun

    days, cutoffs = (
        HOME.calendar.daily.get_partition_keys(),
        HOME.calendar.evaluated.get_partition_keys(),
    )
    planned = [
        PlannedRun("daily_tables", days),
        PlannedRun("weekly_training", cutoffs),
        PlannedRun("weekly_evaluation", cutoffs),
    ]
    execute(settings, defs, planned)


if __name__ == "__main__":
    main()

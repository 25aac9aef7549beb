"""A process that runs the daily and the weekly jobs of the home that its environment names."""

from persona_assets import settings as settings_module
from persona_assets.resources import instance


def main() -> None:
    settings = settings_module.load()
    instance.prepare(settings.home)
    from persona_assets.definitions import defs
    from persona_assets.partitions import DAILY, JUDGED
    from persona_assets.runner import Leg, run

    days, cutoffs = DAILY.get_partition_keys(), JUDGED.get_partition_keys()
    legs = [
        Leg("daily_tables", days),
        Leg("weekly_training", cutoffs),
        Leg("weekly_evaluation", cutoffs),
    ]
    run(settings, defs, legs)


if __name__ == "__main__":
    main()

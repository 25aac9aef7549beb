"""What the statistics of experiments keep of their promises: the table of docs/experiments.md.

The same as the asset `experiments/calibration`, without a home.

    python performance/analysis_calibration.py --experiments 1000
"""

import argparse

from persona_assets.ab_testing.calibration import EXPERIMENTS, calibration


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, default=EXPERIMENTS)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(
        "| method | measure | value | 99 % interval | promised | kept |\n|---|---|---:|---|---|---|"
    )
    for row in calibration(experiments=asked.experiments, seed=asked.seed).iter_rows(named=True):
        promised = "–"
        if row["kept"] is not None:
            promised = f"{row['promised_low']:g} to {row['promised_high']:g}"
        kept = {None: "–", True: "yes", False: "**no**"}[row["kept"]]
        print(
            f"| {row['method']} | {row['measure'].replace('_', ' ')} | {row['value']:.3f} "
            f"| {row['low']:.3f} to {row['high']:.3f} | {promised} | {kept} |"
        )


if __name__ == "__main__":
    main()

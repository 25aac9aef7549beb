"""How often a week without drift raises an alarm: a table over sizes, in visits and by habits.

python performance/drift_alarms.py --rounds 200
"""

import argparse

import numpy as np

from persona_assets_tests.monitoring.shops import drifted, quiet


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    print("| events a week | in visits | by 40 habitual people |\n|---:|---:|---:|")
    for per_week in (200, 1_000, 5_000, 30_000):
        shares = []
        for habitual in (False, True):
            few = max(20, rounds * 1_000 // max(per_week, 1_000))
            alarms = sum(
                bool(
                    drifted(
                        *quiet(
                            np.random.default_rng([per_week, habitual, number]),
                            per_week,
                            habitual=habitual,
                        )
                    )
                )
                for number in range(few)
            )
            shares.append(f"{alarms} of {few}")
        print(f"| {per_week:,} | {' | '.join(shares)} |", flush=True)


if __name__ == "__main__":
    main()

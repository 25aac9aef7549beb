"""What the 95 % intervals of metrics cover: a table over sizes and shares of users with a hit.

Beside ours the percentile bootstrap, which they replaced.

    python performance/interval_coverage.py --worlds 4000
"""

import argparse
from collections.abc import Callable

import numpy as np

from persona_assets.statistics.intervals import Floats, difference_interval, mean_interval

SIZES = (30, 100, 500)
VALUES: dict[str, Callable[..., Floats]] = {
    "nDCG": lambda rng, shape: 1 / np.log2(rng.integers(1, 11, shape) + 1),
    "recall": lambda rng, shape: 1 / rng.integers(1, 8, shape),
    "hit rate": lambda _, shape: np.ones(shape),
}


def percentile(values: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Percentile bootstrap of each column, 500 resamples."""
    users = len(values)
    times = rng.multinomial(users, np.full(users, 1 / users), size=500).astype(float)
    low, high = np.quantile(times @ values / users, [0.025, 0.975], axis=0)
    return low, high


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=4000)
    worlds = parser.parse_args().worlds
    rng = np.random.default_rng(0)

    def covered(ends: tuple[Floats, Floats], truth: float) -> str:
        return f"{100 * ((ends[0] <= truth) & (truth <= ends[1])).mean():.1f}"

    print("| metric | users with a hit | method | " + " | ".join(f"n = {n}" for n in SIZES) + " |")
    print("|---|---:|---|" + "---:|" * len(SIZES))
    for name, value in VALUES.items():
        for share in (0.03, 0.1, 0.3, 0.7):
            truth = share * value(rng, 400_000).mean()
            cells: dict[str, list[str]] = {"ours": [], "percentile bootstrap": []}
            for users in SIZES:
                shape = (users, worlds)
                drawn = np.where(rng.random(shape) < share, value(rng, shape), 0.0)
                cells["ours"].append(covered(mean_interval(drawn), truth))
                cells["percentile bootstrap"].append(covered(percentile(drawn, rng), truth))
            for method, each in cells.items():
                print(f"| {name} | {share:.0%} | {method} | {' | '.join(each)} |")
    for one, other in ((0.1, 0.1), (0.3, 0.2), (0.6, 0.4), (0.1, 0.03)):
        value = VALUES["nDCG"]
        truth = (one - other) * value(rng, 400_000).mean()
        cells = {"ours": [], "percentile bootstrap": []}
        for users in SIZES:
            shape = (users, worlds)
            first, second = (
                np.where(rng.random(shape) < share, value(rng, shape), 0.0)
                for share in (one, other)
            )
            cells["ours"].append(covered(difference_interval(first - second), truth))
            cells["percentile bootstrap"].append(covered(percentile(first - second, rng), truth))
        for method, each in cells.items():
            print(f"| lift of nDCG | {one:.0%} and {other:.0%} | {method} | {' | '.join(each)} |")


if __name__ == "__main__":
    main()

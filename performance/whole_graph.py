"""What a whole run costs: wall time, Dagster's share, memory of all processes, slowest assets.

    python performance/whole_graph.py [--runs 3] -- demo
    python performance/whole_graph.py -- run --source online_retail --path FILE

Runs `persona` with the words behind `--` in a fresh home each time and prints medians. Memory is
the peak of the processes' proportional set sizes added up, sampled twice a second (Linux only).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from process_usage import watch


def measure(words: list[str]) -> tuple[float, float, dict]:
    """Wall seconds, peak memory in GB and the run's own record."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PERSONA_HOME": home}
        environment.pop("DAGSTER_HOME", None)
        command = [str(Path(sys.executable).parent / "persona"), *words]
        with tempfile.TemporaryFile() as log:
            usage = watch(command, environment, log)
            if usage.code:
                log.seek(0)
                sys.exit(f"{log.read().decode()}\npersona {' '.join(words)}: exit {usage.code}")
        return usage.wall, usage.peak, json.loads((Path(home) / "last_run.json").read_text())


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("words", nargs="+")
    given = parser.parse_args()
    found = [measure(given.words) for _ in range(given.runs)]
    records = [record for _, _, record in found]
    print(f"persona {' '.join(given.words)}: medians of {given.runs} run(s)")
    print(f"{'wall, start to finish':40} {statistics.median(wall for wall, _, _ in found):7.1f} s")
    print(f"{'framework':40} {statistics.median(r['framework'] for r in records):7.1f} s")
    print(f"{'peak memory of all processes':40} {max(gb for _, gb, _ in found):7.2f} GB")
    medians = {
        asset: statistics.median(r["seconds"][asset] for r in records)
        for asset in records[0]["seconds"]
    }
    for asset, seconds in sorted(medians.items(), key=lambda item: -item[1])[:12]:
        print(f"{asset:40} {seconds:7.1f} s")


if __name__ == "__main__":
    main()

"""How much longer loading the definitions takes than importing Dagster.

python performance/imports.py [--runs 5]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile

_CODE = """
import time
started = time.perf_counter()
import dagster
between = time.perf_counter()
import persona_assets.definitions
print(between - started, time.perf_counter() - between)
"""


def main() -> None:
    """Print medians over fresh processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    environment = {**os.environ, "PERSONA_HOME": tempfile.mkdtemp()}
    found = []
    for _ in range(given.runs):
        printed = subprocess.run(
            [sys.executable, "-c", _CODE], env=environment, capture_output=True, check=True
        ).stdout
        found.append([float(seconds) for seconds in printed.split()])
    dagster, definitions = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"import dagster                      {dagster:5.2f} s")
    print(f"import persona_assets.definitions   {definitions:5.2f} s more")


if __name__ == "__main__":
    main()

"""How large a home gets that is made anew every week and cleaned by `persona maintenance`.

    python performance/growth.py --weeks 10
    python performance/growth.py --shop "--end 2025-01-22 --users 40 --products 30 --weeks 1"

Each Monday everything is made again (`persona run --all`), each Sunday after it the home is
maintained with the settings as they are. The weeks pass by a clock that is set forward under the
commands: libfaketime, in Debian's package `faketime`. Prints the sizes in MB after each maintenance
and their ratio to the first; exit code 1 where one is 1.5 or more.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

DEMO = "--end 2025-03-02 --users 3000 --products 1200 --weeks 2 --k 20"
RUN = ("run", "--source", "synthetic", "--start", "2025-01-01", "--seed", "7", "--all")
PARTS = ("lake", "dagster", "reports")
MOST = 1.5
LIBRARIES = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/local/lib")


def library() -> str:
    """Where libfaketime is."""
    for folder in LIBRARIES:
        path = Path(folder) / "faketime" / "libfaketime.so.1"
        if path.is_file():
            return str(path)
    raise SystemExit("there is no libfaketime; install it (Debian: apt-get install faketime)")


def persona(home: Path, day: int, *arguments: str) -> None:
    """The command, so many days from now; raises where it fails."""
    moved = {"LD_PRELOAD": library(), "FAKETIME": f"+{day}d", "NO_FAKE_STAT": "1"}
    subprocess.run(
        [sys.executable, "-m", "persona_assets.cli", *arguments],
        env={**os.environ, **moved, "PERSONA_HOME": str(home), "DAGSTER_HOME": ""},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )


def megabytes(folder: Path) -> float:
    """What the files below a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> int:
    """Rerun, maintain, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=10)
    parser.add_argument("--shop", default=DEMO, help="Arguments of `persona run`.")
    asked = parser.parse_args()
    sizes: list[float] = []
    print("week  " + "".join(f"{name:>9}" for name in (*PARTS, "in all", "of first")), flush=True)
    with tempfile.TemporaryDirectory(prefix="persona-growth-") as folder:
        home = Path(folder) / "home"
        for week in range(asked.weeks + 1):
            persona(home, 7 * week, *RUN, *shlex.split(asked.shop))
            persona(home, 7 * week + 6, "maintenance")
            sizes.append(megabytes(home))
            parts = "".join(f"{megabytes(home / name):9.1f}" for name in PARTS)
            print(f"{week:>4}  {parts}{sizes[-1]:9.1f}{sizes[-1] / sizes[0]:9.2f}", flush=True)
    return 1 if max(sizes) >= MOST * sizes[0] else 0


if __name__ == "__main__":
    sys.exit(main())

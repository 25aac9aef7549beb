"""A command that is asked to end does so at once, with one line, its own exit code and no child."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

NATIVE = """
import hashlib, multiprocessing, subprocess, sys
from pathlib import Path
from persona_assets.cli import interruption

def work(path):
    Path(path).touch()
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)  # minutes, without a step of Python

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    last_words = lambda: (folder / "last_words").touch()
    with interruption.ends_on_signals(), interruption.at_end(last_words):
        child = multiprocessing.get_context("spawn").Process(target=work, args=(folder / "child",))
        child.start()
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print(child.pid, other.pid, flush=True)
        work(folder / "parent")
"""


def start(folder: Path, script: str = NATIVE) -> "subprocess.Popen[str]":
    file = folder / "script.py"
    file.write_text(script)
    return subprocess.Popen(
        [sys.executable, str(file), str(folder)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(*paths: Path) -> None:
    deadline = time.monotonic() + 120
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline, paths
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C"), (signal.SIGHUP, 129, "HUP")],
)
def test_signal_ends_a_native_call_and_all_children(
    number: signal.Signals, code: int, name: str, tmp_path: Path
) -> None:
    process = start(tmp_path)
    assert process.stdout is not None
    children = [int(pid) for pid in process.stdout.readline().split()]
    wait_for(tmp_path / "parent", tmp_path / "child")
    process.send_signal(number)
    _, errors = process.communicate(timeout=1_200)
    assert process.returncode == code
    assert len(errors.strip().splitlines()) == 1
    assert name in errors
    assert all(gone(pid) for pid in children)
    assert (tmp_path / "last_words").exists()


def test_last_words_that_never_end_do_not_keep_the_process(tmp_path: Path) -> None:
    script = """
import time
from persona_assets.cli import interruption
with interruption.ends_on_signals(), interruption.at_end(lambda: time.sleep(600)):
    print("ready", flush=True)
    time.sleep(600)
"""
    process = start(tmp_path, script)
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    process.communicate(timeout=1_200)
    assert process.returncode == 143


def test_handlers_are_put_back(tmp_path: Path) -> None:
    from persona_assets.cli import interruption

    before = [signal.getsignal(number) for number in interruption.EXIT_CODES]
    with interruption.ends_on_signals():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in interruption.EXIT_CODES] == before

"""A Spark cluster of this machine: a master and two workers, each a process like on machines."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# Two workers of a core each; an executor takes a worker whole.
WORKERS = 2
WORKER_MEMORY = "900m"
_PATIENCE_SECONDS = 60.0


@dataclass
class Daemon:
    """A master or worker, and the file that it logs to."""

    process: subprocess.Popen[bytes]
    log: Path

    def says(self, pattern: str, times: int = 1) -> re.Match[str]:
        """The last of `times` matches in the log, waited for."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = list(re.finditer(pattern, self.log.read_text(errors="replace")))
            if len(found) >= times:
                return found[times - 1]
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} in {self.log.read_text(errors='replace')[-3000:]}")

    def kill(self) -> None:
        """SIGKILL to the daemon and to everything that it has started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Cluster:
    """A standalone cluster on loopback."""

    folder: Path
    daemons: list[Daemon] = field(default_factory=list)
    master: str = ""

    @property
    def workers(self) -> list[Daemon]:
        return self.daemons[1:]

    def start(self) -> None:
        """Start the master, then the workers; all have met when this returns."""
        master = self._daemon("master.Master", "master")
        self.master = master.says(r"spark://127\.0\.0\.1:\d+")[0]
        for number in range(WORKERS):
            self._daemon(
                "worker.Worker",
                f"worker-{number}",
                "--cores",
                "1",
                "--memory",
                WORKER_MEMORY,
                "--work-dir",
                str(self.folder / f"work-{number}"),
                self.master,
            )
        master.says("Registering worker", times=WORKERS)

    def kill(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.kill()

    def _daemon(self, name: str, log: str, *arguments: str) -> Daemon:
        import pyspark

        home = Path(pyspark.__file__).parent
        path = self.folder / f"{log}.log"
        with path.open("wb") as out:
            process = subprocess.Popen(
                [
                    str(home / "bin" / "spark-class"),
                    f"org.apache.spark.deploy.{name}",
                    "--host",
                    "127.0.0.1",
                    "--port",
                    "0",
                    "--webui-port",
                    "0",
                    *arguments,
                ],
                env=os.environ
                | {
                    "SPARK_HOME": str(home),
                    "SPARK_LOCAL_IP": "127.0.0.1",
                    "SPARK_DAEMON_MEMORY": "256m",
                },
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an executor is in its worker's process group
            )
        self.daemons.append(Daemon(process, path))
        return self.daemons[-1]


@pytest.fixture(scope="module")
def cluster(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        found.start()
        yield found
    finally:
        found.kill()

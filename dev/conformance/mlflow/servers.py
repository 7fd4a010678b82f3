"""Servers of our own, for as long as a run takes: stock MLflow, and Flyball."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType

import requests

START_SECONDS = 180
STOP_SECONDS = 20


class Server(ABC):
    """A server process with a folder that goes away with it."""

    base: str
    """Where it listens, as in `http://127.0.0.1:5000`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        self.folder = Path(self._folder.name)
        self._log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> tuple[list[str], dict[str, str]]:
        """The command line, and what it needs in its environment."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers by now; sets `base` where that is not known before."""

    def log(self) -> str:
        """What it printed so far."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Server:
        words, environment = self.command()
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | environment,
                # Outside this folder: `-m mlflow` would find the folder of the same name first.
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if time.monotonic() > deadline or self._process.poll() is not None:
                text = self.log()
                self.__exit__(None, None, None)
                raise RuntimeError(f"{words[0]} did not start:\n{text[-4000:]}")
            time.sleep(0.1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            # The stock server has worker processes of its own; they share its session.
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._folder.cleanup()


class StockServer(Server):
    """`mlflow server` on a free port, with SQLite unless a database is given."""

    def __init__(self, database: str | None = None) -> None:
        super().__init__()
        self._database = database or f"sqlite:///{self.folder}/mlflow.db"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.base = f"http://127.0.0.1:{self._port}"

    def command(self) -> tuple[list[str], dict[str, str]]:
        words = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self._database]
        words += ["--artifacts-destination", f"{self.folder}/artifacts", "--host", "127.0.0.1"]
        words += ["--port", str(self._port), "--workers", "1"]
        return words, {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
            "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "https,http",
        }

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.base}/health", timeout=5).ok
        except requests.RequestException:
            return False


class FlyballServer(Server):
    """`flyball serve` on a free port, with SQLite unless a database is given."""

    def __init__(self, binary: Path, database: str | None = None) -> None:
        super().__init__()
        self._binary = binary.resolve()
        self._database = database

    def command(self) -> tuple[list[str], dict[str, str]]:
        words = [str(self._binary), "serve", "--port", "0", "--project", str(self.folder), "--webhook-allow-private"]
        return words + (["--database", self._database] if self._database else []), {}

    def is_ready(self) -> bool:
        told = re.search(r"http://\S+", self.log())
        if told:
            self.base = told[0]
        return told is not None

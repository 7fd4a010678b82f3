"""A stock MLflow server of our own, for as long as a run of the suite takes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import requests

START_SECONDS = 180


def free_port() -> int:
    """A port of the loopback interface that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StockServer:
    """`mlflow server` in a folder that goes away afterwards; its log stays if it fails."""

    def __init__(self, database: str | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="stock-mlflow-")
        self._database = database or f"sqlite:///{self._folder.name}/mlflow.db"
        self._process: subprocess.Popen[bytes] | None = None
        self.base = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> StockServer:
        log = Path(self._folder.name, "server.log")
        environment = os.environ | {"MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
        command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self._database]
        command += ["--artifacts-destination", f"{self._folder.name}/artifacts", "--host", "127.0.0.1"]
        command += ["--port", self.base.rsplit(":", 1)[1], "--workers", "1"]
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                # Outside this folder: `-m mlflow` would find the folder of the same name first.
                cwd=self._folder.name,
                start_new_session=True,
            )
        if not self._is_ready():
            text = log.read_text(errors="replace")
            self.__exit__(None, None, None)
            raise RuntimeError(f"the stock server did not start:\n{text[-4000:]}")
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if requests.get(f"{self.base}/health", timeout=5).ok:
                    return True
            except requests.RequestException:
                time.sleep(0.2)
        return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            # The server has worker processes of its own; they share its session.
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._folder.cleanup()

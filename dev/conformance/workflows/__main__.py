"""Runs the stock client's workflows against a server: `python dev/conformance/workflows --binary FILE`.

Each script beside this file is a program of its own that fails on the first thing that is not as users know it.
Without --binary and --server they run against a stock server that is started here, which proves the scripts themselves.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The helper for a stock server lives with the differential suite.
sys.path.append(str(HERE.parent / "mlflow"))

from servers import FlyballServer, StockServer  # noqa: E402

LIMIT_SECONDS = 600


def scripts(pattern: str) -> list[Path]:
    """The workflows whose names match."""
    found = [path for path in sorted(HERE.glob("*.py")) if path.stem not in ("__main__", "checking")]
    return [path for path in found if fnmatchcase(path.stem, pattern)]


def is_passed(script: Path, server: str) -> bool:
    """Runs one workflow in an empty folder and prints what it says."""
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": server,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL": "1",
        # A refusal that looks like a fault of the server must show at once, not after minutes of retries.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "GIT_PYTHON_REFRESH": "quiet",
        "PYTHONWARNINGS": "ignore",
    }
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="workflow-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, str(script)],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
            )
            code, output, errors = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as stuck:
            code, output, errors = 1, "", f"no end after {LIMIT_SECONDS} s\n{stuck.stderr!r}"
    print(f"{'ok' if code == 0 else 'FAILED'}  {script.stem}  ({time.monotonic() - started:.1f} s)", flush=True)
    checks = [line for line in output.splitlines() if line.startswith("  ")]
    print("\n".join(checks), flush=True)
    if code != 0:
        print("\n".join(errors.splitlines()[-40:]), flush=True)
    return code == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="workflows", description=__doc__)
    parser.add_argument(
        "--binary", type=Path, help="a flyball to start; without it and --server, stock MLflow is started"
    )
    parser.add_argument("--server", help="base URL of a running server")
    parser.add_argument("--database", help="database of the server that is started")
    parser.add_argument("--only", default="*", help="names of workflows that match")
    options = parser.parse_args()
    chosen = scripts(options.only)
    if not chosen:
        raise SystemExit(f"no workflow matches {options.only}")
    with ExitStack() as stack:
        server = options.server
        if server is None and options.binary:
            server = stack.enter_context(FlyballServer(options.binary, options.database)).base
        if server is None:
            server = stack.enter_context(StockServer(options.database)).base
        failed = [script.stem for script in chosen if not is_passed(script, server)]
    print(
        f"{len(chosen) - len(failed)} of {len(chosen)} workflows passed"
        + "".join(f"\n  failed: {name}" for name in failed)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

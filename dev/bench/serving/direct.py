"""What the parts of a request take without a server around them, in microseconds as JSON.

usage: direct.py tensor|pickle FOLDER

`tensor`: copying a megabyte, the network on it, and receiving it from a socket. `pickle`: the scikit-learn model on one row,
by itself and as MLflow's pyfunc calls it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZE = 1 << 20


def median(work: Callable[[], object], clock: Callable[[], int], turns: int = 2_000) -> float:
    for _ in range(turns // 10):
        work()
    took = []
    for _ in range(turns):
        began = clock()
        work()
        took.append(clock() - began)
    return sorted(took)[turns // 2] / 1e3


def received(turns: int = 2_000) -> float:
    """CPU of the receiving side: read until a megabyte is there, and answer with few bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    if os.fork() == 0:
        tensor = bytes(SIZE)
        with socket.create_connection(address) as sender:
            for _ in range(turns):
                sender.sendall(tensor)
                sender.recv(64)
        os._exit(0)
    connection, _ = listener.accept()
    buffer = memoryview(bytearray(SIZE))
    began = time.process_time_ns()
    for _ in range(turns):
        got = 0
        while got < SIZE:
            got += connection.recv_into(buffer[got:])
        connection.sendall(b"done")
    spent = time.process_time_ns() - began
    os.wait()
    return spent / turns / 1e3


def tensor(folder: Path) -> dict[str, float]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "mean.onnx", options, providers=["CPUExecutionProvider"])
    rows = np.linspace(0, 1, SIZE // 4, dtype=np.float32).reshape(1, -1)
    copy = np.empty_like(rows)
    return {
        "copy": median(lambda: np.copyto(copy, rows), time.perf_counter_ns),
        "engine": median(lambda: session.run(None, {"x": rows}), time.perf_counter_ns),
        "receive": received(),
    }


def pickle(folder: Path) -> dict[str, float]:
    import joblib
    import mlflow

    warnings.simplefilter("ignore")
    row = np.array(json.loads((folder / "rows.json").read_text())["sklearn"]["rows"][:1], np.float32)
    bare = joblib.load(folder / "sklearn.joblib")
    loaded = mlflow.pyfunc.load_model(folder / "sklearn.mlflow")
    return {
        "sklearn": median(lambda: bare.predict(row), time.perf_counter_ns),
        "pyfunc": median(lambda: loaded.predict(row), time.perf_counter_ns),
        "pyfunc_cpu": median(lambda: loaded.predict(row), time.process_time_ns),
    }


if __name__ == "__main__":
    what, folder = sys.argv[1], Path(sys.argv[2])
    print(json.dumps({"tensor": tensor, "pickle": pickle}[what](folder)))

"""What the stock gRPC client of Triton does against an endpoint of machines (heat, load, site).

Usage: triton_grpc.py HOST:PORT ENDPOINT
"""

from __future__ import annotations

import sys

import numpy as np
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

from triton_http import ROWS, refused, same


def inputs(rows: int = 3) -> list[grpc.InferInput]:
    made = []
    for name, values in ROWS.items():
        one = grpc.InferInput(name, [rows], "BYTES" if values.dtype == object else "FP64")
        one.set_data_from_numpy(values[:rows])
        made.append(one)
    return made


def main(address: str, endpoint: str) -> None:
    client = grpc.InferenceServerClient(address)
    same("live", (client.is_server_live(), client.is_server_ready(), client.is_model_ready(endpoint)), (True,) * 3)
    same("no such version", client.is_model_ready(endpoint, "99"), False)
    same("extension", "binary_tensor_data" in client.get_server_metadata().extensions, True)
    metadata = client.get_model_metadata(endpoint, as_json=True)
    same("inputs", [(one["name"], one["datatype"]) for one in metadata["inputs"]],
         [("heat", "FP64"), ("load", "FP64"), ("site", "BYTES")])
    config = client.get_model_config(endpoint, as_json=True)["config"]
    same("config", [one["data_type"] for one in config["input"]], ["TYPE_FP64", "TYPE_FP64", "TYPE_STRING"])
    same("outputs", [one["data_type"] for one in config["output"]], ["TYPE_STRING", "TYPE_FP64"])

    answer = client.infer(endpoint, inputs(), request_id="r-1", parameters={"key": "m1"})
    same("id", answer.get_response().id, "r-1")
    wanted = answer.as_numpy("probabilities")
    same("probabilities", (wanted.shape, np.allclose(wanted.sum(axis=1), 1.0)), ((3, 2), True))
    same("labels", [label.decode() for label in answer.as_numpy("label")],
         [("false", "true")[int(row[1] >= 0.5)] for row in wanted])
    same("prediction id", answer.get_response().parameters["prediction_ids"].string_param.count(","), 2)
    one = client.infer(endpoint, inputs(), outputs=[grpc.InferRequestedOutput("label")])
    same("a part of the outputs", (one.as_numpy("probabilities"), len(one.as_numpy("label"))), (None, 3))
    for way in ("gzip", "deflate"):
        packed = client.infer(endpoint, inputs(), compression_algorithm=way)
        same(way, np.array_equal(packed.as_numpy("probabilities"), wanted), True)

    answered = []
    waiting = client.async_infer(endpoint, inputs(), lambda result, error: answered.append((result, error)))
    waiting.get_result() if hasattr(waiting, "get_result") else None
    for _ in range(1_000):
        if answered:
            break
        __import__("time").sleep(0.01)
    same("later", (answered[0][1], np.array_equal(answered[0][0].as_numpy("probabilities"), wanted)), (None, True))

    stats = client.get_inference_statistics(endpoint).model_stats[0]
    same("statistics", (stats.name, stats.inference_stats.success.count >= 5), (endpoint, True))
    rows = client.get_model_repository_index().models
    same("index", [(row.name, row.state) for row in rows], [(endpoint, "READY")])
    client.load_model(endpoint)

    missing = grpc.InferInput("heat", [1], "FP64")
    missing.set_data_from_numpy(np.array([1.0]))
    refused("a missing input", lambda: client.infer(endpoint, [missing]))
    refused("an unknown endpoint", lambda: client.infer("nobody", inputs()))
    refused("an unknown output", lambda: client.infer(endpoint, inputs(), outputs=[grpc.InferRequestedOutput("none")]))
    refused("an unknown version", lambda: client.infer(endpoint, inputs(), model_version="99"))
    refused("unloading", lambda: client.unload_model(endpoint))
    refused("shared memory", client.get_system_shared_memory_status)
    try:
        client.infer("nobody", inputs())
    except InferenceServerException as error:
        same("code", str(error.status()), "StatusCode.NOT_FOUND")
    print("all of it")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

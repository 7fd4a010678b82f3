"""What the stock HTTP client of Triton does against an endpoint of machines (heat, load, site).

Usage: triton_http.py HOST:PORT ENDPOINT
"""

from __future__ import annotations

import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

ROWS = {
    "heat": np.array([28.0, 12.5, np.nan]),
    "load": np.array([50.0, 1.5, 99.0]),
    "site": np.array(["west", "north", ""], dtype=object),
}


def same(what: str, got: object, wanted: object) -> None:
    if got != wanted:
        raise SystemExit(f"{what}: {got!r} instead of {wanted!r}")


def inputs(binary: bool, rows: int = 3, number: type = np.float64) -> list[http.InferInput]:
    made = []
    for name, values in ROWS.items():
        values = values[:rows] if values.dtype == object else values[:rows].astype(number)
        datatype = "BYTES" if values.dtype == object else {np.float64: "FP64", np.float32: "FP32"}[number]
        one = http.InferInput(name, [rows], datatype)
        one.set_data_from_numpy(values, binary_data=binary)
        made.append(one)
    return made


def outputs(binary: bool) -> list[http.InferRequestedOutput]:
    return [http.InferRequestedOutput(name, binary_data=binary) for name in ("label", "probabilities")]


def refused(what: str, ask: object) -> None:
    try:
        ask()
    except InferenceServerException as error:
        if not error.message():
            raise SystemExit(f"{what}: refused without a word")
        return
    raise SystemExit(f"{what}: was not refused")


def main(address: str, endpoint: str) -> None:
    client = http.InferenceServerClient(address)
    same("live", (client.is_server_live(), client.is_server_ready(), client.is_model_ready(endpoint)), (True,) * 3)
    same("extension", "binary_tensor_data" in client.get_server_metadata()["extensions"], True)
    metadata = client.get_model_metadata(endpoint)
    same("inputs", [(one["name"], one["datatype"]) for one in metadata["inputs"]],
         [("heat", "FP64"), ("load", "FP64"), ("site", "BYTES")])
    same("config", [one["data_type"] for one in client.get_model_config(endpoint)["input"]],
         ["TYPE_FP64", "TYPE_FP64", "TYPE_STRING"])

    # Without a NaN, which JSON cannot say.
    plain = client.infer(endpoint, inputs(False, rows=2), outputs=outputs(False), request_id="r-1")
    same("id", plain.get_response()["id"], "r-1")
    wanted = plain.as_numpy("probabilities")
    for binary_in in (True, False):
        for chosen in (outputs(True), outputs(False), None):
            answer = client.infer(endpoint, inputs(binary_in, rows=2), outputs=chosen)
            same("probabilities", np.array_equal(answer.as_numpy("probabilities"), wanted), True)
            labels = [label.decode() if isinstance(label, bytes) else label for label in answer.as_numpy("label")]
            same("labels", labels, list(plain.as_numpy("label")))
    missing = client.infer(endpoint, inputs(True)).as_numpy("probabilities")
    same("rows with a missing value", (missing.shape, np.isfinite(missing).all()), ((3, 2), True))
    halves = client.infer(endpoint, inputs(True, rows=2, number=np.float32)).as_numpy("probabilities")
    same("smaller numbers", np.allclose(halves, wanted, atol=1e-6), True)
    same("a part of the outputs", client.infer(endpoint, inputs(True), outputs=outputs(True)[:1]).as_numpy("probabilities"), None)
    for way in ("gzip", "deflate"):
        packed = client.infer(endpoint, inputs(True, rows=2), request_compression_algorithm=way,
                              response_compression_algorithm=way)
        same(way, np.array_equal(packed.as_numpy("probabilities"), wanted), True)
    many = 5_000
    big = []
    for name, values in ROWS.items():
        one = http.InferInput(name, [many], "BYTES" if values.dtype == object else "FP64")
        one.set_data_from_numpy(np.resize(values[:2], many))
        big.append(one)
    answered = client.infer(endpoint, big, response_compression_algorithm="gzip").as_numpy("probabilities")
    same("many rows", np.array_equal(answered, np.resize(wanted, (many, 2))), True)
    waiting = [client.async_infer(endpoint, inputs(True, rows=2)) for _ in range(4)]
    same("at once", all(np.array_equal(one.get_result().as_numpy("probabilities"), wanted) for one in waiting), True)

    stats = client.get_inference_statistics(endpoint)["model_stats"][0]
    same("statistics", (stats["name"], stats["inference_stats"]["success"]["count"] >= 10), (endpoint, True))
    same("index", [(row["name"], row["state"]) for row in client.get_model_repository_index()], [(endpoint, "READY")])
    client.load_model(endpoint)

    def broken() -> http.InferInput:
        one = http.InferInput("heat", [1], "FP64")
        one.set_data_from_numpy(np.array([1.0]))
        return one

    refused("a missing input", lambda: client.infer(endpoint, [broken()]))
    refused("an unknown endpoint", lambda: client.infer("nobody", inputs(True)))
    refused("an unknown output", lambda: client.infer(endpoint, inputs(True), outputs=[http.InferRequestedOutput("none")]))
    refused("classification", lambda: client.infer(
        endpoint, inputs(True), outputs=[http.InferRequestedOutput("probabilities", class_count=1)]))
    refused("an unknown version", lambda: client.infer(endpoint, inputs(True), model_version="99"))
    refused("unloading", lambda: client.unload_model(endpoint))
    refused("shared memory", client.get_system_shared_memory_status)
    print("all of it")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

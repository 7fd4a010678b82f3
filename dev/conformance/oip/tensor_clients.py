"""What stock clients of tensors and of MLflow's scoring protocol get from endpoints of every flavour.

Usage: tensor_clients.py HOST:PORT FILE

FILE has the last line of log_models.py; version N of MODEL serves at the endpoint MODEL-N.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

import numpy as np
import requests
import tritonclient.grpc as grpc
import tritonclient.http as http
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from triton_http import same

DTYPES = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "BYTES": object}
# Where MLServer's client puts the elements: in the message, typed, and not as bytes behind it.
CONTENTS = {"FP64": "fp64_contents", "FP32": "fp32_contents", "INT64": "int64_contents", "BYTES": "bytes_contents"}
CONFIGURED = {"FP64": "TYPE_FP64", "FP32": "TYPE_FP32", "INT64": "TYPE_INT64", "BYTES": "TYPE_STRING"}


class Case:
    """An endpoint with rows and what is right for them."""

    def __init__(self, told: dict):
        self.endpoint = f"{told['model']}-{told['version']}"
        self.inputs = {one["name"]: self.array(one) for one in told["inputs"]}
        self.outputs = {one["name"]: self.array(one) for one in told["outputs"]}
        self.datatypes = {one["name"]: one["datatype"] for one in told["inputs"]}
        self.columns = all(array.ndim == 1 for array in self.inputs.values())

    @staticmethod
    def array(one: dict) -> np.ndarray:
        return np.array(one["data"], dtype=DTYPES[one["datatype"]]).reshape(one["shape"])

    def whole(self) -> np.ndarray:
        """The rows without a missing value, which JSON of clients cannot say."""
        missing = [np.isnan(array.astype(float)) for array in self.inputs.values() if array.dtype != object]
        return ~np.any([one.reshape(len(one), -1).any(axis=1) for one in missing], axis=0)

    def right(self, what: str, got: Callable[[str], np.ndarray | None], rows: np.ndarray | slice = slice(None)) -> None:
        for name, values in self.outputs.items():
            self.alike(f"{self.endpoint}: {what}: {name}", got(name), values[rows])

    @staticmethod
    def alike(what: str, got: np.ndarray | None, wanted: np.ndarray) -> None:
        if got is None:
            raise SystemExit(f"{what} is missing")
        got = np.asarray(got)
        same(f"{what}: shape", got.shape, wanted.shape)
        if wanted.dtype == object:
            texts = [text.decode() if isinstance(text, bytes) else text for text in got.reshape(-1)]
            same(what, texts, list(wanted.reshape(-1)))
        elif not np.allclose(got.astype(float), wanted.astype(float), rtol=1e-6, atol=1e-6):
            raise SystemExit(f"{what}: {got.tolist()} instead of {wanted.tolist()}")


def http_inputs(case: Case, binary: bool, rows: np.ndarray | slice = slice(None)) -> list[http.InferInput]:
    made = []
    for name, values in case.inputs.items():
        one = http.InferInput(name, list(values[rows].shape), case.datatypes[name])
        one.set_data_from_numpy(values[rows], binary_data=binary)
        made.append(one)
    return made


def over_http(case: Case, client: http.InferenceServerClient) -> None:
    same(f"{case.endpoint}: ready", client.is_model_ready(case.endpoint), True)
    metadata = client.get_model_metadata(case.endpoint)
    same("inputs", {one["name"]: one["datatype"] for one in metadata["inputs"]}, case.datatypes)
    known = {one["name"] for one in metadata["outputs"]}
    same(f"{case.endpoint}: outputs", known, set(case.outputs))
    config = client.get_model_config(case.endpoint)
    same("config", {one["name"]: one["data_type"] for one in config["input"]},
         {name: CONFIGURED[datatype] for name, datatype in case.datatypes.items()})

    case.right("bytes", client.infer(case.endpoint, http_inputs(case, True)).as_numpy)
    whole = case.whole()
    for binary_in in (True, False):
        for binary_out in (True, False):
            wanted = [http.InferRequestedOutput(name, binary_data=binary_out) for name in case.outputs]
            answer = client.infer(case.endpoint, http_inputs(case, binary_in, whole), outputs=wanted, request_id="r-7")
            same("id", answer.get_response()["id"], "r-7")
            case.right(f"bytes {binary_in} {binary_out}", answer.as_numpy, whole)
    for way in ("gzip", "deflate"):
        packed = client.infer(case.endpoint, http_inputs(case, True), request_compression_algorithm=way,
                              response_compression_algorithm=way)
        case.right(way, packed.as_numpy)
    one = client.infer(case.endpoint, http_inputs(case, True, slice(0, 1)))
    case.right("one row", one.as_numpy, slice(0, 1))
    name = list(case.outputs)[-1]
    part = client.infer(case.endpoint, http_inputs(case, True), outputs=[http.InferRequestedOutput(name)])
    same("a part of the outputs", [one["name"] for one in part.get_response()["outputs"]], [name])
    waiting = [client.async_infer(case.endpoint, http_inputs(case, True)) for _ in range(4)]
    for one in waiting:
        case.right("at once", one.get_result().as_numpy)
    stats = client.get_inference_statistics(case.endpoint)["model_stats"][0]
    same("statistics", (stats["name"], stats["inference_stats"]["success"]["count"] >= 10), (case.endpoint, True))


def grpc_inputs(case: Case) -> list[grpc.InferInput]:
    made = []
    for name, values in case.inputs.items():
        one = grpc.InferInput(name, list(values.shape), case.datatypes[name])
        one.set_data_from_numpy(values)
        made.append(one)
    return made


def over_grpc(case: Case, client: grpc.InferenceServerClient) -> None:
    metadata = client.get_model_metadata(case.endpoint, as_json=True)
    same("inputs", {one["name"]: one["datatype"] for one in metadata["inputs"]}, case.datatypes)
    config = client.get_model_config(case.endpoint, as_json=True)["config"]
    same("config", [one["name"] for one in config["input"]], list(case.inputs))
    case.right("gRPC", client.infer(case.endpoint, grpc_inputs(case)).as_numpy)
    for way in ("gzip", "deflate"):
        case.right(f"gRPC {way}", client.infer(case.endpoint, grpc_inputs(case), compression_algorithm=way).as_numpy)
    name = list(case.outputs)[0]
    part = client.infer(case.endpoint, grpc_inputs(case), outputs=[grpc.InferRequestedOutput(name)])
    same("a part of the outputs", [one.name for one in part.get_response().outputs], [name])
    stats = client.get_inference_statistics(case.endpoint).model_stats[0]
    same("statistics", (stats.name, stats.inference_stats.success.count >= 4), (case.endpoint, True))


def as_mlserver(case: Case, stub: service_pb2_grpc.GRPCInferenceServiceStub) -> None:
    """The call as MLServer's client writes it. Its package is not used: it wants FastAPI below 0.116, MLflow one above."""
    request = service_pb2.ModelInferRequest(model_name=case.endpoint)
    for name, values in case.inputs.items():
        datatype = case.datatypes[name]
        one = request.inputs.add(name=name, datatype=datatype, shape=values.shape)
        elements = [text.encode() for text in values] if datatype == "BYTES" else values.reshape(-1).tolist()
        getattr(one.contents, CONTENTS[datatype]).extend(elements)
    answer = grpc.InferResult(stub.ModelInfer(request))
    if answer.get_response().raw_output_contents:
        case.right("typed", answer.as_numpy)
        return
    for output in answer.get_response().outputs:
        values = getattr(output.contents, CONTENTS[output.datatype])
        wanted = case.outputs[output.name]
        got = np.array(list(values), wanted.dtype).reshape(output.shape)
        case.alike(f"{case.endpoint}: typed: {output.name}", got, wanted)


def listed(values: np.ndarray) -> list:
    """As JSON: what is missing is null."""
    if values.dtype == object or values.ndim > 1:
        return values.tolist()
    return [None if value != value else value for value in values.tolist()]


def bodies(case: Case) -> Iterator[tuple[str, dict]]:
    lists = {name: listed(values) for name, values in case.inputs.items()}
    if not case.columns:
        (only,) = lists.values()
        yield "instances", {"instances": only}
        yield "inputs", {"inputs": lists}
        yield "inputs without a name", {"inputs": only}
        return
    rows = [dict(zip(lists, row)) for row in zip(*lists.values())]
    yield "dataframe_split", {"dataframe_split": {"columns": list(lists), "data": [list(row.values()) for row in rows]}}
    yield "dataframe_records", {"dataframe_records": rows}
    yield "instances", {"instances": rows}
    yield "inputs", {"inputs": lists}


def scored(case: Case, predictions: list) -> Callable[[str], np.ndarray]:
    """The outputs in an answer of the scoring protocol."""

    def output(name: str) -> np.ndarray:
        wanted = case.outputs[name]
        if name == "predictions":
            values = predictions
        elif name == "label":
            values = [row["prediction"] for row in predictions]
        elif name == "probabilities":
            values = [[row[f"probability_{place}"] for place in range(wanted.shape[1])] for row in predictions]
        else:
            values = [row[name] for row in predictions]
        return np.array(values, dtype=wanted.dtype)

    return output


def over_scoring(case: Case, address: str) -> None:
    url = f"http://{address}/endpoints/{case.endpoint}/invocations"
    for what, body in bodies(case):
        answer = requests.post(url, json=body, timeout=60)
        same(f"{case.endpoint}: {what}: {answer.text[:300]}", answer.status_code, 200)
        case.right(what, scored(case, answer.json()["predictions"]))
    if not case.columns:
        refused(f"{case.endpoint}: a table for a network",
                requests.post(url, json={"dataframe_split": {"columns": ["a"], "data": [[1]]}}, timeout=60))


def refused(what: str, answer: requests.Response) -> None:
    if not 400 <= answer.status_code < 500:
        raise SystemExit(f"{what}: {answer.status_code} {answer.text[:300]}")
    # The protocols word it in three ways: a text, an object, and MLflow's code beside its message.
    told = answer.json()
    told = told.get("error", told)
    message = told if isinstance(told, str) else told["message"]
    if len(message) < 10:
        raise SystemExit(f"{what}: refused with '{message}'")


def errors(case: Case, address: str, client: grpc.InferenceServerClient) -> None:
    def tensors() -> list[dict]:
        rows = case.whole()
        return [{"name": name, "datatype": case.datatypes[name], "shape": list(values[rows].shape),
                 "data": values[rows].reshape(-1).tolist()} for name, values in case.inputs.items()]

    def with_first(**changed: object) -> dict:
        first, *others = tensors()
        return {"inputs": [{**first, **changed}, *others]}

    first = tensors()[0]
    is_text = first["datatype"] == "BYTES"
    count = len(first["data"])
    wrong = {"datatype": "FP64", "data": [1.0] * count} if is_text else {"datatype": "BYTES", "data": ["x"] * count}
    one_row = {"shape": [1, *first["shape"][1:]], "data": first["data"][: count // first["shape"][0]]}
    # What has one input only is given one of too few dimensions.
    fewer = one_row if len(case.inputs) > 1 else {"shape": [count]}
    cases = {
        "another type": with_first(**wrong),
        "an unknown type": with_first(datatype="FP7"),
        "data that is not of its type": with_first(data=[{}] * count),
        "fewer elements than the shape": with_first(data=first["data"][1:]),
        "another number of rows": with_first(**fewer),
        "two values where one belongs": with_first(shape=[*first["shape"], 2], data=first["data"] * 2),
        "a huge shape": with_first(shape=[1 << 40], data=first["data"][:1]),
        "a shape beyond all numbers": with_first(shape=[1 << 62, 1 << 62], data=first["data"][:1]),
        "a negative shape": with_first(shape=[-1, *first["shape"][1:]]),
        "a missing input": {"inputs": tensors()[1:]},
        "an input of another name": {"inputs": [{**one, "name": f"{one['name']}?"} for one in tensors()]},
        "no rows": {"inputs": [{**one, "shape": [0, *one["shape"][1:]], "data": []} for one in tensors()]},
        "an unknown output": {"inputs": tensors(), "outputs": [{"name": "nothing"}]},
        "no inputs": {},
    }
    url = f"http://{address}/v2/models/{case.endpoint}/infer"
    for what, body in cases.items():
        refused(f"{case.endpoint}: {what}", requests.post(url, json=body, timeout=60))
    for text in ("", "{", "[]", '{"inputs": 5}', '{"inputs": [{"name": "x"}]}', "\x00\xff"):
        refused(f"{case.endpoint}: the body {text!r}", requests.post(url, data=text.encode("latin-1"), timeout=60))
    lying = {"inputs": [{"name": first["name"], "datatype": first["datatype"], "shape": first["shape"],
                         "parameters": {"binary_data_size": 1 << 50}}]}
    text = json.dumps(lying).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    short = requests.post(url, data=text + b"1234", headers=headers, timeout=60)
    refused(f"{case.endpoint}: bytes that are not there", short)

    request = service_pb2.ModelInferRequest(model_name=case.endpoint)
    request.inputs.add(name=first["name"], datatype=first["datatype"], shape=[1 << 40])
    request.raw_input_contents.append(b"1234")
    for what, ask in {
        "gRPC: a missing input": lambda: client.infer(case.endpoint, []),
        "gRPC: a huge shape": lambda: client._client_stub.ModelInfer(request),
    }.items():
        try:
            ask()
        except (InferenceServerException, grpc.grpc.RpcError) as error:
            told = error.message() if isinstance(error, InferenceServerException) else error.details()
            same(f"{case.endpoint}: {what}: {told}", len(told) >= 10, True)
        else:
            raise SystemExit(f"{case.endpoint}: {what}: was not refused")


def main(address: str, file: str) -> None:
    with open(file, encoding="utf-8") as text:
        cases = [Case(told) for told in json.load(text) if told["outputs"]]
    plain = http.InferenceServerClient(address, concurrency=4, network_timeout=60)
    remote = grpc.InferenceServerClient(address)
    for case in cases:
        over_http(case, plain)
        over_grpc(case, remote)
        as_mlserver(case, remote._client_stub)
        over_scoring(case, address)
        errors(case, address, remote)
        case.right("after all errors", plain.infer(case.endpoint, http_inputs(case, True)).as_numpy)
    same("live", plain.is_server_live(), True)
    print("all of it")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

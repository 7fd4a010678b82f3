"""Logs and registers models of several flavours as a user of MLflow would; prints rows and what each model says of them.

Usage: log_models.py TRACKING_URI [MODEL ...]      (all models, when none is named)

The last line is JSON: for each version of each model its inputs as tensors (a missing value is null) and, unless it only
misbehaves, the outputs that are right for them.
"""

from __future__ import annotations

import json
import os
import pathlib
import pickle
import sys
import tempfile
import time

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.pyfunc import PythonModel

ROWS = 20
random = np.random.default_rng(7)


def named(name: str) -> dict:
    """What a model needs is not worked out: that would start a Python of its own for each."""
    return {"name": name, "registered_model_name": name, "pip_requirements": ["mlflow"]}


def tensor(name: str, values: object, datatype: str | None = None) -> dict:
    array = np.asarray(values)
    kinds = {"float64": "FP64", "float32": "FP32", "int64": "INT64"}
    data = [None if isinstance(value, float) and np.isnan(value) else value for value in array.reshape(-1).tolist()]
    datatype = datatype or kinds.get(array.dtype.name, "BYTES")
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": data}


def columns(frame: pd.DataFrame) -> list[dict]:
    return [tensor(name, frame[name].to_numpy()) for name in frame]


def classes(probabilities: np.ndarray) -> list[dict]:
    labels = [str(int(row.argmax())) for row in probabilities]
    return [tensor("label", np.array(labels, dtype=object)), tensor("probabilities", probabilities.astype(np.float64))]


def numbers(missing: bool) -> tuple[pd.DataFrame, pd.Series]:
    frame = pd.DataFrame(random.normal(size=(600, 4)), columns=list("abcd"))
    label = (frame["a"] + frame["b"] * frame["c"] > 0.2).astype(int)
    if missing:
        frame = frame.mask(random.random(frame.shape) < 0.2)
    return frame, label


def pipeline() -> list[dict]:
    """A pipeline over text and numbers, in the form that MLflow saves by default."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    sites = random.choice(["north", "south", "west"], size=300)
    frame = pd.DataFrame({"site": sites, "heat": random.normal(20, 5, 300), "load": random.uniform(0, 100, 300)})
    truth = frame["heat"] * 2 + frame["load"] / 10 + (frame["site"] == "west") * 7
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["site"]), (StandardScaler(), ["heat", "load"])
    )
    model = make_pipeline(encode, Ridge()).fit(frame, truth)
    rows = frame[:ROWS].assign(site=["nowhere", *frame["site"][1:ROWS]])
    signature = infer_signature(rows, model.predict(rows))
    mlflow.sklearn.log_model(model, signature=signature, **named("pipeline"))
    return [{"inputs": columns(rows), "outputs": [tensor("predictions", model.predict(rows))]}]


def booster() -> list[dict]:
    """Two versions of a classifier of XGBoost; the second one also knows what to do with missing values."""
    from xgboost import XGBClassifier

    told = []
    for missing in (False, True):
        frame, label = numbers(missing)
        model = XGBClassifier(n_estimators=60 if missing else 20, max_depth=4, n_jobs=1).fit(frame, label)
        signature = infer_signature(frame, model.predict(frame))
        mlflow.xgboost.log_model(model, signature=signature, **named("booster"))
        rows = frame[:ROWS]
        told.append({"inputs": columns(rows), "outputs": classes(model.predict_proba(rows))})
    return told


def light() -> list[dict]:
    """A booster of LightGBM."""
    import lightgbm

    frame, label = numbers(missing=True)
    data = lightgbm.Dataset(frame, label)
    model = lightgbm.train({"objective": "binary", "verbose": -1, "num_leaves": 15, "num_threads": 1}, data, 40)
    rows = frame[:ROWS]
    positive = np.asarray(model.predict(rows))
    signature = infer_signature(frame, positive)
    mlflow.lightgbm.log_model(model, signature=signature, **named("light"))
    return [{"inputs": columns(rows), "outputs": classes(np.stack([1 - positive, positive], axis=1))}]


def network() -> list[dict]:
    """A small convolutional network with two outputs."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(random.normal(size=shape).astype(np.float32) * 0.4, name)

    nodes = [
        helper.make_node("Conv", ["image", "filters", "offsets"], ["maps"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["maps"], ["lit"]),
        helper.make_node("GlobalAveragePool", ["lit"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"]),
        helper.make_node("Gemm", ["embedding", "matrix", "shift"], ["raw"]),
        helper.make_node("Softmax", ["raw"], ["scores"], axis=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "network",
        [value("image", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [value("scores", TensorProto.FLOAT, ["n", 3]), value("embedding", TensorProto.FLOAT, ["n", 6])],
        [weight("filters", 6, 1, 3, 3), weight("offsets", 6), weight("matrix", 6, 3), weight("shift", 3)],
    )
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)])
    image = random.normal(size=(ROWS, 1, 8, 8)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    scores, embedding = session.run(["scores", "embedding"], {"image": image})
    signature = infer_signature({"image": image}, {"scores": scores, "embedding": embedding})
    mlflow.onnx.log_model(model, signature=signature, **named("network"))
    outputs = [tensor("scores", scores), tensor("embedding", embedding)]
    return [{"inputs": [tensor("image", image)], "outputs": outputs}]


class Frames(PythonModel):
    """Answers with a table."""

    def predict(self, context, model_input, params=None):
        total = model_input["a"] + model_input["b"] * 2
        words = [f"{text}:{number:.1f}" for text, number in zip(model_input["word"], total)]
        return pd.DataFrame({"total": total, "word": words, "count": np.arange(len(total), dtype=np.int64)})


def frames() -> list[dict]:
    words = [f"w{at}" for at in range(ROWS)]
    rows = pd.DataFrame({"a": random.normal(size=ROWS), "b": random.normal(size=ROWS), "word": words})
    model = Frames()
    said = model.predict(None, rows)
    mlflow.pyfunc.log_model(python_model=model, signature=infer_signature(rows, said), **named("frames"))
    return [{"inputs": columns(rows), "outputs": columns(said)}]


class Bad(PythonModel):
    """Answers ten times the input, and does worse with the magic value."""

    MAGIC = 13.0

    def __init__(self, what: str):
        self.what = what

    def predict(self, context, model_input, params=None):
        if (model_input["x"] == self.MAGIC).any():
            if self.what == "sleeper":
                time.sleep(3600)
            if self.what == "leaver":
                os._exit(1)
            if self.what == "glutton":
                return [float(len(bytearray(10_000_000_000)))]
        return np.asarray(model_input["x"] * 10)


def bad(name: str) -> list[dict]:
    rows = pd.DataFrame({"x": [1.0, 2.5]})
    model = Bad(name)
    said = model.predict(None, rows)
    mlflow.pyfunc.log_model(python_model=model, signature=infer_signature(rows, said), **named(name))
    return [{"inputs": columns(rows), "outputs": [tensor("predictions", said)]}]


class Times(PythonModel):
    """Answers a multiple of the input; without a factor it fails."""

    def __init__(self, factor: float | None):
        self.factor = factor

    def predict(self, context, model_input, params=None):
        if self.factor is None:
            raise ValueError("the factor is not there")
        return np.asarray(model_input["x"] * self.factor)


def times() -> list[dict]:
    """Three versions: one that is right, one that fails, and one that says something else."""
    rows = pd.DataFrame({"x": [1.0, 2.5]})
    told = []
    for factor in (2.0, None, 3.0):
        signature = infer_signature(rows, np.asarray(rows["x"]))
        mlflow.pyfunc.log_model(python_model=Times(factor), signature=signature, **named("times"))
        outputs = [tensor("predictions", rows["x"] * factor)] if factor else []
        told.append({"inputs": columns(rows), "outputs": outputs})
    return told


def heavy() -> list[dict]:
    """Three versions of a classifier with many nodes, learned from noise."""
    from xgboost import XGBClassifier

    told = []
    for seed in range(3):
        frame = pd.DataFrame(random.normal(size=(10_000, 4)), columns=list("abcd"))
        deep = {"n_estimators": 100, "max_depth": 12, "max_bin": 64, "min_child_weight": 0.01, "reg_lambda": 5.0}
        model = XGBClassifier(**deep, learning_rate=0.05, random_state=seed)
        model.fit(frame, random.integers(0, 2, len(frame)))
        signature = infer_signature(frame, model.predict(frame[:5]))
        mlflow.xgboost.log_model(model, signature=signature, **named("heavy"))
        rows = frame[:ROWS]
        told.append({"inputs": columns(rows), "outputs": classes(model.predict_proba(rows))})
    return told


def disguised() -> list[dict]:
    """What is called model.onnx and is none: a pickle, half a graph, and nothing; with a model beside them or not."""
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    node = helper.make_node("Mul", ["x", "x"], ["y"])
    squared = [value("x", TensorProto.FLOAT, [None, 2])], [value("y", TensorProto.FLOAT, [None, 2])]
    graph = helper.make_graph([node], "squares", *squared)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    run = mlflow.active_run().info
    client = mlflow.MlflowClient()
    for name, content in {
        "pickle": pickle.dumps({"weights": [1.0] * 500}),
        "half": whole[: len(whole) // 2],
        "nothing": b"",
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "model.onnx"
            file.write_bytes(content)
            client.log_artifact(run.run_id, str(file), name)
        client.create_registered_model(name)
        client.create_model_version(name, f"{run.artifact_uri}/{name}", run.run_id)
    return []


MODELS = {
    "pipeline": pipeline,
    "booster": booster,
    "light": light,
    "network": network,
    "frames": frames,
    "sleeper": lambda: bad("sleeper"),
    "leaver": lambda: bad("leaver"),
    "glutton": lambda: bad("glutton"),
    "times": times,
    "heavy": heavy,
    "disguised": disguised,
}


def main(uri: str, names: list[str]) -> None:
    mlflow.set_tracking_uri(uri)
    told = []
    with mlflow.start_run():
        for name in names or MODELS:
            for place, version in enumerate(MODELS[name]()):
                told.append({"model": name, "version": place + 1, **version})
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

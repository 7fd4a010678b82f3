"""Fits the models of the serving bench and saves each in every form that a product under test takes.

usage: models.py TRACKING_URI FOLDER

Logs and registers them at TRACKING_URI with MLflow's stock client, as a user would; what the peers load goes to FOLDER, and
rows.json there has the rows that everybody is asked, with the probability that a right answer has.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import mlflow
import numpy as np
import onnx
import onnxmltools
from onnx import TensorProto, helper
from onnxmltools.convert.common.data_types import FloatTensorType
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

COLUMNS = 30
ROWS = 16
# A tensor of one megabyte.
WIDTH = (1 << 20) // 4


def hard(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows that 500 trees of depth 6 do not exhaust: with the breast cancer data they would be stumps."""
    features = random.normal(size=(8_000, COLUMNS)).astype(np.float32)
    score = features[:, :10].sum(1) + features[:, 10] * features[:, 11] + random.normal(size=len(features))
    return features, (score > 0).astype(int)


def mean() -> onnx.ModelProto:
    """A network that reads everything that it is sent, and does little."""
    rows = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH])
    means = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    node = helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=1)
    graph = helper.make_graph([node], "mean", [rows], [means], [axes])
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])


def main(uri: str, folder: Path) -> None:
    random = np.random.default_rng(7)
    cancer = load_breast_cancer()
    easy = cancer.data.astype(np.float32)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(easy, cancer.target)
    features, label = hard(random)
    trees = XGBClassifier(n_estimators=500, max_depth=6, n_jobs=1).fit(features, label)

    onnx_pipeline = to_onnx(pipeline, easy[:1], options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})
    shape = [("X", FloatTensorType([None, COLUMNS]))]
    onnx_trees = onnxmltools.convert_xgboost(trees, initial_types=shape, target_opset=15)

    joblib.dump(pipeline, folder / "sklearn.joblib")
    trees.save_model(folder / "xgboost.json")
    onnx.save(onnx_pipeline, folder / "sklearn.onnx")
    onnx.save(onnx_trees, folder / "xgboost.onnx")
    onnx.save(mean(), folder / "mean.onnx")
    # As a pickle, which only Python can load.
    pickled = {"sk_model": pipeline, "serialization_format": "cloudpickle"}
    mlflow.sklearn.save_model(path=folder / "sklearn.mlflow", **pickled)
    mlflow.xgboost.save_model(trees, folder / "xgboost.mlflow")
    asked = {"sklearn": (pipeline, easy), "xgboost": (trees, features)}
    rows = {
        name: {
            "rows": data[:: len(data) // ROWS][:ROWS].tolist(),
            "probabilities": model.predict_proba(data[:: len(data) // ROWS][:ROWS])[:, 1].tolist(),
        }
        for name, (model, data) in asked.items()
    }
    (folder / "rows.json").write_text(json.dumps(rows))

    mlflow.set_tracking_uri(uri)
    with mlflow.start_run():
        mlflow.onnx.log_model(onnx_pipeline, name="model", registered_model_name="sklearn-onnx")
        mlflow.onnx.log_model(onnx_trees, name="trees", registered_model_name="xgboost-onnx")
        mlflow.xgboost.log_model(trees, name="booster", registered_model_name="xgboost-native")
        mlflow.onnx.log_model(mean(), name="mean", registered_model_name="mean-onnx")
        mlflow.sklearn.log_model(**pickled, name="pickle", registered_model_name="sklearn-pickle")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

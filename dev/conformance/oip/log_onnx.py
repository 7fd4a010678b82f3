"""Logs and registers a model as a user of MLflow and scikit-learn would, as ONNX; prints rows and what it says of them.

Usage: log_onnx.py TRACKING_URI NAME
"""

from __future__ import annotations

import json
import sys

import mlflow
import numpy as np
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

mlflow.set_tracking_uri(sys.argv[1])
random = np.random.default_rng(7)
features = random.normal(size=(400, 4)).astype(np.float32)
label = (features[:, 0] + features[:, 1] ** 2 > 0.5).astype(int)
model = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=20, random_state=7)).fit(features, label)
graph = to_onnx(model, features[:1], options={"zipmap": False})
with mlflow.start_run():
    mlflow.onnx.log_model(graph, name="model", registered_model_name=sys.argv[2])
rows = features[:50]
print(json.dumps({"rows": rows.tolist(), "scores": model.predict_proba(rows).tolist()}))

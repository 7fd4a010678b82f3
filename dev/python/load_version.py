"""Loads a version of a loop as an MLflow user would, and prints what it predicts.

Usage: load_version.py TRACKING_URI MODEL_URI ROWS, where ROWS is a JSON list of objects.
"""

from __future__ import annotations

import json
import sys

import mlflow
import pandas

mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
print(model.predict(pandas.DataFrame(json.loads(sys.argv[3]))).to_json(orient="records"))

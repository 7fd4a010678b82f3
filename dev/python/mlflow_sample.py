"""Fills an MLflow tracking store with something of everything that is moved.

Usage: mlflow_sample.py TRACKING_URI [ARTIFACT_ROOT]

With a database URI the stock stores are used directly; ARTIFACT_ROOT is then where their server would keep artifacts.
Prints one JSON object: how much there is of each kind.
"""

from __future__ import annotations

import json
import math
import sys

import mlflow
import numpy
import pandas
from mlflow import MlflowClient
from mlflow.entities import Metric
from sklearn.linear_model import LogisticRegression

POINTS = 12_000


def main(uri: str, root: str | None) -> None:
    mlflow.set_tracking_uri(uri)
    client = MlflowClient()

    def experiment(name: str, **tags: str) -> str:
        return client.create_experiment(name, artifact_location=root and f"{root}/{name}", tags=tags)

    flights, empty, gone = experiment("flights", note="what is late"), experiment("empty"), experiment("gone")

    mlflow.set_experiment(experiment_id=flights)
    frame = pandas.DataFrame({"distance": [100.0, 900.0, 300.0, 1200.0], "late": [0, 1, 0, 1]})
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_params({"depth": 3, "empty": "", "naïve key": "été"})
        mlflow.set_tag("kind", "forest")
        dataset = mlflow.data.from_pandas(frame, name="train", targets="late")
        mlflow.log_input(dataset, context="training")
        mlflow.log_metric("loss", math.nan, step=0)
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metric("loss", math.inf, step=-1)
        mlflow.log_text("a note", "notes/read me.txt")
        mlflow.log_text("", "empty.txt")
        model = LogisticRegression().fit(frame[["distance"]], frame["late"])
        logged = mlflow.sklearn.log_model(model, name="model", input_example=frame[["distance"]])
        mlflow.log_metric("auc", 0.75, model_id=logged.model_id, dataset=dataset)
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("auc", 0.5)

    running = client.create_run(flights, run_name="still running")
    client.log_param(running.info.run_id, "seed", 7)
    # Not in the run of the model: a model that is logged takes over its run's metrics, and cannot hold two at one step.
    points = [Metric("long", math.sin(step), 1_700_000_000_000 + step // 3, step // 2) for step in range(POINTS)]
    for start in range(0, POINTS, 1000):
        client.log_batch(running.info.run_id, metrics=points[start : start + 1000])
    binned = client.create_run(flights, run_name="binned")
    client.set_terminated(binned.info.run_id, "KILLED")
    client.delete_run(binned.info.run_id)
    old = client.create_run(gone, run_name="old")
    client.log_metric(old.info.run_id, "auc", 0.25)
    client.set_terminated(old.info.run_id, "FAILED")
    client.delete_experiment(gone)

    client.create_registered_model("late", tags={"team": "ops"}, description="says what is late")
    sources = [f"runs:/{parent.info.run_id}/model", logged.model_uri, logged.model_uri, logged.model_uri]
    for source in sources:
        client.create_model_version(
            "late", source, run_id=parent.info.run_id, model_id=logged.model_id if source == logged.model_uri else None
        )
    client.delete_model_version("late", "2")
    client.set_model_version_tag("late", "3", "checked", "yes")
    client.update_model_version("late", "3", "the good one")
    client.set_registered_model_alias("late", "champion", "3")
    client.transition_model_version_stage("late", "1", "Archived")
    client.transition_model_version_stage("late", "4", "Staging")
    mlflow.genai.register_prompt(name="greet", template="Hello {{ name }}", commit_message="first")
    mlflow.genai.register_prompt(name="greet", template="Hi {{ name }}", tags={"tone": "short"})

    found = client.search_runs([flights, empty, gone], run_view_type=mlflow.entities.ViewType.ALL)
    print(json.dumps({"experiments": 4, "runs": len(found), "flights": flights, "parent": parent.info.run_id}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)

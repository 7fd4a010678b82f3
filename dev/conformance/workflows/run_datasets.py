"""Datasets of runs by mlflow.data, and search by them."""

import mlflow
import numpy as np
import pandas as pd

from checking import experiment, run_workflow, same


def log() -> None:
    found = experiment("datasets")
    table = pd.DataFrame({"a": [1, 2, 3], "label": [0, 1, 0]})
    train = mlflow.data.from_pandas(table, source="https://example.com/a.csv", name="train", targets="label")
    test = mlflow.data.from_numpy(np.arange(6).reshape(3, 2), name="test")
    with mlflow.start_run() as run:
        mlflow.log_input(train, context="training", tags={"k": "v"})
        mlflow.log_input(test, context="testing")
        mlflow.log_metric("loss", 0.5, dataset=train)
    inputs = {i.dataset.name: i for i in mlflow.get_run(run.info.run_id).inputs.dataset_inputs}
    same("datasets", set(inputs), {"train", "test"})
    same(
        "digest, profile and tags",
        (
            inputs["train"].dataset.digest,
            inputs["train"].dataset.profile,
            {t.key: t.value for t in inputs["train"].tags},
        ),
        (train.digest, '{"num_rows": 3, "num_elements": 6}', {"k": "v", "mlflow.data.context": "training"}),
    )
    same("source can be rebuilt", mlflow.data.get_source(inputs["train"]).url, "https://example.com/a.csv")
    same(
        "runs by dataset",
        list(mlflow.search_runs([found], f"dataset.digest = '{train.digest}' and dataset.context = 'training'").run_id),
        [run.info.run_id],
    )
    with mlflow.start_run() as again:
        mlflow.log_inputs([train, test], ["training", "testing"], [None, None])
    same("same dataset in another run", len(mlflow.get_run(again.info.run_id).inputs.dataset_inputs), 2)


if __name__ == "__main__":
    run_workflow(log)

"""scikit-learn: autolog, a model in the registry, loading it by alias."""

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from checking import checked, experiment, run_workflow, same, unique

rows, labels = load_iris(return_X_y=True, as_frame=True)


def autolog() -> None:
    found = experiment("sklearn")
    mlflow.sklearn.autolog(log_datasets=True)
    with mlflow.start_run() as run:
        LogisticRegression(max_iter=500).fit(rows, labels)
    mlflow.sklearn.autolog(disable=True)
    logged = mlflow.get_run(run.info.run_id)
    same("params", logged.data.params["max_iter"], "500")
    checked("training metrics", {"training_score", "training_f1_score"} <= logged.data.metrics.keys())
    checked("datasets", len(logged.inputs.dataset_inputs) >= 1)
    models = mlflow.search_logged_models([found], output_format="list")
    same("logged model of the run", [(m.source_run_id, str(m.status)) for m in models], [(run.info.run_id, "READY")])
    same(
        "its params and output",
        (models[0].params["max_iter"], logged.outputs.model_outputs[0].model_id),
        ("500", models[0].model_id),
    )


def search() -> None:
    experiment("sklearn-grid")
    mlflow.sklearn.autolog(max_tuning_runs=2, log_models=False)
    with mlflow.start_run() as run:
        GridSearchCV(LogisticRegression(max_iter=500), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(rows, labels)
    mlflow.sklearn.autolog(disable=True)
    children = MlflowClient().search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    same("child runs of a grid search", len(children), 2)
    checked("best params", "best_C" in mlflow.get_run(run.info.run_id).data.params)


def registry() -> None:
    experiment("sklearn-model")
    model = LogisticRegression(max_iter=500).fit(rows, labels)
    name = unique("iris")
    with mlflow.start_run():
        info = mlflow.sklearn.log_model(model, name="net", input_example=rows.head(3), registered_model_name=name)
    client = MlflowClient()
    same("version is registered", str(info.registered_model_version), "1")
    client.set_registered_model_alias(name, "champion", "1")
    expected = model.predict(rows)
    for uri in (f"models:/{name}@champion", f"models:/{name}/1", f"models:/{name}/latest", info.model_uri):
        same(
            f"predictions of {uri.replace(name, 'NAME').split('/m-')[0]}",
            bool(np.array_equal(mlflow.pyfunc.load_model(uri).predict(rows), expected)),
            True,
        )
    checked("native form", isinstance(mlflow.sklearn.load_model(f"models:/{name}@champion"), LogisticRegression))
    described = mlflow.models.get_model_info(f"models:/{name}@champion")
    checked("signature", described.signature is not None and len(described.signature.inputs.inputs) == 4)
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(model, name="other")
    version = mlflow.register_model(f"runs:/{run.info.run_id}/other", name)
    same("version of a run", str(version.version), "2")
    copy = client.copy_model_version(f"models:/{name}@champion", unique("iris-production"))
    same(
        "copy predicts",
        bool(np.array_equal(mlflow.pyfunc.load_model(f"models:/{copy.name}/1").predict(rows), expected)),
        True,
    )


if __name__ == "__main__":
    run_workflow(autolog, search, registry)

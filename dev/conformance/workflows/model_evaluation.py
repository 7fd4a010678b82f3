"""mlflow.models.evaluate on a logged model and on a table."""

import mlflow
import pandas as pd
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

from checking import checked, experiment, run_workflow, same


def classifier() -> None:
    experiment("evaluate")
    rows, labels = load_iris(return_X_y=True, as_frame=True)
    table = rows.assign(label=labels)
    model = LogisticRegression(max_iter=500).fit(rows, labels)
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(model, name="net", input_example=rows.head(2))
        result = mlflow.models.evaluate(
            info.model_uri,
            table,
            targets="label",
            model_type="classifier",
            evaluator_config={"log_model_explainability": False},
        )
    found = mlflow.get_run(run.info.run_id)
    checked("accuracy", result.metrics["accuracy_score"] > 0.9)
    same("metrics are logged", found.data.metrics["accuracy_score"], result.metrics["accuracy_score"])
    checked(
        "pictures are logged",
        any(
            path.endswith(".png")
            for path in (item.path for item in mlflow.artifacts.list_artifacts(run_id=run.info.run_id))
        ),
    )
    metrics = {metric.key for metric in mlflow.get_logged_model(info.model_id).metrics}
    checked("metrics are linked to the model", "accuracy_score" in metrics)


def regressor_of_a_table() -> None:
    rows, labels = load_diabetes(return_X_y=True, as_frame=True)
    table = pd.DataFrame({"prediction": LinearRegression().fit(rows, labels).predict(rows), "label": labels})
    data = mlflow.data.from_pandas(table, predictions="prediction", targets="label", name="predicted")
    with mlflow.start_run() as run:
        result = mlflow.evaluate(data=data, model_type="regressor")
    checked("error of a table", 0 < result.metrics["root_mean_squared_error"] < 100)
    same(
        "dataset of the evaluation",
        [i.dataset.name for i in mlflow.get_run(run.info.run_id).inputs.dataset_inputs],
        ["predicted"],
    )


if __name__ == "__main__":
    run_workflow(classifier, regressor_of_a_table)

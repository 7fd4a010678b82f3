"""XGBoost: autolog with metrics by round, and the model loaded back."""

import mlflow
import numpy as np
import xgboost
from sklearn.datasets import load_breast_cancer

from checking import checked, experiment, run_workflow, same

rows, labels = load_breast_cancer(return_X_y=True)


def autolog() -> None:
    found = experiment("xgboost")
    mlflow.xgboost.autolog(importance_types=["weight"])
    data = xgboost.DMatrix(rows, labels)
    with mlflow.start_run() as run:
        booster = xgboost.train(
            {"objective": "binary:logistic", "max_depth": 2, "eval_metric": "logloss"},
            data,
            num_boost_round=8,
            evals=[(data, "train")],
            verbose_eval=False,
        )
    mlflow.xgboost.autolog(disable=True)
    logged = mlflow.get_run(run.info.run_id)
    same("params", (logged.data.params["max_depth"], logged.data.params["num_boost_round"]), ("2", "8"))
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train-logloss")
    same("a point a round", [point.step for point in history], list(range(8)))
    checked("it learns", history[-1].value < history[0].value)
    files = [item.path for item in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)]
    checked("importance is kept", any("feature_importance" in path for path in files))
    model = mlflow.search_logged_models([found], output_format="list")[0]
    loaded = mlflow.pyfunc.load_model(model.model_uri)
    same(
        "loaded model predicts the same",
        bool(np.allclose(loaded.predict(rows[:20]), booster.predict(xgboost.DMatrix(rows[:20])))),
        True,
    )


def estimator() -> None:
    experiment("xgboost-estimator")
    mlflow.xgboost.autolog(log_models=False)
    with mlflow.start_run() as run:
        xgboost.XGBClassifier(n_estimators=5, max_depth=2).fit(rows, labels, eval_set=[(rows, labels)], verbose=False)
    mlflow.xgboost.autolog(disable=True)
    found = mlflow.get_run(run.info.run_id)
    checked("metrics of the estimator", "validation_0-logloss" in found.data.metrics)


if __name__ == "__main__":
    run_workflow(autolog, estimator)

"""The mlflow command: experiments, runs, artifacts, models."""

import subprocess
import sys
from pathlib import Path

import mlflow

from checking import checked, run_workflow, same, unique


def run(*words: str) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run([sys.executable, "-m", "mlflow", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"mlflow {' '.join(words)}: {done.stderr[-2000:]}")
    return done.stdout


def experiments() -> None:
    name = unique("command")
    run("experiments", "create", "--experiment-name", name)
    found = mlflow.get_experiment_by_name(name).experiment_id
    run("experiments", "rename", "--experiment-id", found, "--new-name", name + "-b")
    checked("renamed and listed", name + "-b" in run("experiments", "search"))
    run("experiments", "delete", "--experiment-id", found)
    checked("deleted", name + "-b" not in run("experiments", "search"))
    run("experiments", "restore", "--experiment-id", found)
    same("restored", mlflow.get_experiment(found).lifecycle_stage, "active")


def runs_and_files() -> None:
    found = mlflow.set_experiment(unique("command-runs")).experiment_id
    with mlflow.start_run(run_name="listed") as active:
        mlflow.log_metric("m", 1)
    key = active.info.run_id
    checked("runs list", key in run("runs", "list", "--experiment-id", found))
    checked("runs describe", '"m": 1' in run("runs", "describe", "--run-id", key))
    Path("up.txt").write_text("up")
    run("artifacts", "log-artifact", "--local-file", "up.txt", "--run-id", key, "--artifact-path", "d")
    checked("artifacts list", '"d/up.txt"' in run("artifacts", "list", "--run-id", key, "--artifact-path", "d"))
    Path("out").mkdir()
    run("artifacts", "download", "--run-id", key, "--artifact-path", "d", "--dst-path", "out")
    same("artifacts download", Path("out/d/up.txt").read_text(), "up")
    run("experiments", "csv", "--experiment-id", found, "--filename", "runs.csv")
    checked("table of runs", key in Path("runs.csv").read_text())
    run("runs", "delete", "--run-id", key)
    same("run is deleted", mlflow.get_run(key).info.lifecycle_stage, "deleted")
    run("runs", "restore", "--run-id", key)
    same("run is restored", mlflow.get_run(key).info.lifecycle_stage, "active")


def models() -> None:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0], [1], [2]], [0, 2, 4])
    name = unique("command-model")
    mlflow.set_experiment(unique("command-models"))
    with mlflow.start_run():
        mlflow.sklearn.log_model(model, name="line", registered_model_name=name)
    Path("in.csv").write_text("x\n3\n")
    run(
        "models",
        "predict",
        "--model-uri",
        f"models:/{name}/1",
        "--input-path",
        "in.csv",
        "--content-type",
        "csv",
        "--output-path",
        "out.json",
        "--env-manager",
        "local",
    )
    checked("models predict", "6.0" in Path("out.json").read_text() or "5.99" in Path("out.json").read_text())


if __name__ == "__main__":
    run_workflow(experiments, runs_and_files, models)

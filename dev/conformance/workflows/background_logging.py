"""What logs beside the program: asynchronous logging and system metrics."""

import time

import mlflow

from checking import checked, experiment, run_workflow, same


def asynchronous() -> None:
    experiment("async")
    mlflow.config.enable_async_logging(True)
    with mlflow.start_run() as run:
        for step in range(600):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        mlflow.log_params({f"p{i}": i for i in range(150)})
        mlflow.set_tags({f"t{i}": i for i in range(150)})
    mlflow.flush_async_logging()
    mlflow.config.enable_async_logging(False)
    client = mlflow.MlflowClient()
    found = client.get_run(run.info.run_id)
    same("every point arrives", [p.step for p in client.get_metric_history(run.info.run_id, "loss")], list(range(600)))
    same(
        "every param and tag arrives",
        (len(found.data.params), sum(key.startswith("t") for key in found.data.tags)),
        (150, 150),
    )


def system() -> None:
    experiment("system")
    with mlflow.start_run(log_system_metrics=True) as run:
        time.sleep(4)
    found = mlflow.get_run(run.info.run_id)
    names = {name for name in found.data.metrics if name.startswith("system/")}
    checked("system metrics", {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= names)


if __name__ == "__main__":
    run_workflow(asynchronous, system)

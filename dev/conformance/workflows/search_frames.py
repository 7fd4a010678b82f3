"""mlflow.search_runs into a table, over several experiments and pages."""

import mlflow

from checking import checked, experiment, run_workflow, same


def frames() -> None:
    both = []
    for stem in ("frames-a", "frames-b"):
        both.append(experiment(stem))
        for i in range(3):
            with mlflow.start_run(run_name=f"{stem}-{i}", tags={"i": str(i)}):
                mlflow.log_metric("score", i)
                if i:
                    mlflow.log_param("p", i)
    table = mlflow.search_runs(both, order_by=["metrics.score DESC", "attributes.run_name"])
    same(
        "order over experiments",
        list(table["tags.mlflow.runName"]),
        ["frames-a-2", "frames-b-2", "frames-a-1", "frames-b-1", "frames-a-0", "frames-b-0"],
    )
    checked(
        "columns",
        {
            "run_id",
            "experiment_id",
            "status",
            "artifact_uri",
            "start_time",
            "end_time",
            "metrics.score",
            "params.p",
            "tags.i",
        }
        <= set(table.columns),
    )
    same("missing params are none", list(table["params.p"].dropna()), ["2", "2", "1", "1"])
    same("filter", len(mlflow.search_runs(both, "metrics.score >= 1 and tags.i != '2'")), 2)
    names = [mlflow.get_experiment(e).name for e in both]
    same("by names of experiments", len(mlflow.search_runs(experiment_names=names, max_results=4)), 4)
    same(
        "as a list",
        [
            r.info.run_name
            for r in mlflow.search_runs(both, "tags.i = '0'", output_format="list", order_by=["start_time"])
        ],
        ["frames-a-0", "frames-b-0"],
    )
    same("last active run", mlflow.last_active_run().info.run_name, "frames-b-2")


if __name__ == "__main__":
    run_workflow(frames)

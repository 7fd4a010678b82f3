"""MlflowClient: experiments, runs, batches, history, files."""

import io
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    InputTag,
    LoggedModelInput,
    LoggedModelOutput,
    Metric,
    Param,
    RunTag,
    ViewType,
)

from checking import checked, refused, run_workflow, same, unique

client = MlflowClient()


def experiments() -> None:
    name = unique("client")
    found = client.create_experiment(name, tags={"a": "1"})
    with refused("experiment of a taken name", "RESOURCE_ALREADY_EXISTS"):
        client.create_experiment(name)
    client.set_experiment_tag(found, "b", "2")
    client.delete_experiment_tag(found, "a")
    client.rename_experiment(found, name + "-new")
    got = client.get_experiment(found)
    same("experiment", (got.name, got.tags), (name + "-new", {"b": "2"}))
    same("by name", client.get_experiment_by_name(name + "-new").experiment_id, found)
    same("old name is free", client.get_experiment_by_name(name), None)
    client.delete_experiment(found)
    same(
        "deleted ones are found",
        [
            e.experiment_id
            for e in client.search_experiments(ViewType.DELETED_ONLY, filter_string=f"name = '{name}-new'")
        ],
        [found],
    )
    client.restore_experiment(found)
    same("restored", client.get_experiment(found).lifecycle_stage, "active")
    more = [client.create_experiment(f"{name}-{i}") for i in range(5)]
    page = client.search_experiments(max_results=2, filter_string=f"name LIKE '{name}-_'", order_by=["name"])
    names = [e.experiment_id for e in page]
    while page.token:
        page = client.search_experiments(
            max_results=2, filter_string=f"name LIKE '{name}-_'", order_by=["name"], page_token=page.token
        )
        names += [e.experiment_id for e in page]
    same("pages of experiments", names, more)
    with refused("unknown experiment", "RESOURCE_DOES_NOT_EXIST"):
        client.get_experiment("999999999")


def runs() -> None:
    experiment = client.create_experiment(unique("client-runs"))
    run = client.create_run(experiment, start_time=5, tags={"a": "1"}, run_name="one").info.run_id
    client.log_metric(run, "m", 1.0, timestamp=10, step=1)
    client.log_metric(run, "m", 2.0, timestamp=11, step=2)
    client.log_param(run, "p", 1)
    client.set_tag(run, "t", "x")
    client.log_batch(
        run,
        [Metric("n", i, 20 + i, i) for i in range(1000)],
        [Param(f"p{i}", str(i)) for i in range(100)],
        [RunTag(f"t{i}", "v") for i in range(100)],
    )
    client.delete_tag(run, "t")
    found = client.get_run(run)
    same(
        "counts",
        (len(found.data.params), found.data.metrics, "t" in found.data.tags),
        (101, {"m": 2.0, "n": 999.0}, False),
    )
    same(
        "history",
        [(m.value, m.timestamp, m.step) for m in client.get_metric_history(run, "m")],
        [(1.0, 10, 1), (2.0, 11, 2)],
    )
    same("long history", len(client.get_metric_history(run, "n")), 1000)
    same("history of nothing", client.get_metric_history(run, "none"), [])
    client.update_run(run, status="FAILED", name="two")
    client.set_terminated(run, "FINISHED", end_time=99)
    found = client.get_run(run)
    same(
        "ended",
        (found.info.status, found.info.end_time, found.info.run_name, found.data.tags["mlflow.runName"]),
        ("FINISHED", 99, "two", "two"),
    )
    child = client.create_run(experiment, tags={"mlflow.parentRunId": run}).info.run_id
    same("parent", client.get_parent_run(child).info.run_id, run)
    client.delete_run(child)
    same(
        "deleted runs are found",
        [r.info.run_id for r in client.search_runs([experiment], run_view_type=ViewType.DELETED_ONLY)],
        [child],
    )
    client.restore_run(child)
    same("both are found", len(client.search_runs([experiment])), 2)
    with refused("unknown run", "RESOURCE_DOES_NOT_EXIST"):
        client.get_run("0" * 32)
    with refused("bad metric name", "INVALID_PARAMETER_VALUE"):
        client.log_metric(run, "a*", 1)


def search() -> None:
    experiment = client.create_experiment(unique("client-search"))
    for i in range(7):
        run = client.create_run(experiment, start_time=100 + i, run_name=f"r{i}").info.run_id
        client.log_metric(run, "score", i / 10)
        client.log_param(run, "even", str(i % 2 == 0))
    page = client.search_runs(
        [experiment], "metrics.score > 0.1 and params.even = 'True'", max_results=2, order_by=["metrics.score DESC"]
    )
    names = [r.info.run_name for r in page]
    same("first page", (names, bool(page.token)), (["r6", "r4"], True))
    page = client.search_runs(
        [experiment],
        "metrics.score > 0.1 and params.even = 'True'",
        max_results=2,
        order_by=["metrics.score DESC"],
        page_token=page.token,
    )
    same("last page", ([r.info.run_name for r in page], bool(page.token)), (["r2"], False))
    with refused("OR is refused", "INVALID_PARAMETER_VALUE"):
        client.search_runs([experiment], "metrics.score > 0.1 OR params.even = 'True'")


def files() -> None:
    run = client.create_run("0").info.run_id
    Path("one.txt").write_text("one")
    client.log_artifact(run, "one.txt")
    client.log_text(run, "two", "d/two.txt")
    client.log_dict(run, {"a": 1}, "d/three.json")
    client.log_stream(run, io.BytesIO(b"stream"), "d/four.bin")
    same("files", sorted(f.path for f in client.list_artifacts(run)), ["d", "one.txt"])
    same(
        "folder",
        [(f.path, f.file_size) for f in client.list_artifacts(run, "d")],
        [
            ("d/four.bin", 6),
            ("d/three.json", Path(client.download_artifacts(run, "d/three.json")).stat().st_size),
            ("d/two.txt", 3),
        ],
    )
    same("file has no children", client.list_artifacts(run, "one.txt"), [])
    same("download", Path(client.download_artifacts(run, "d/four.bin", ".")).read_bytes(), b"stream")
    with refused("missing file", "RESOURCE_DOES_NOT_EXIST"):
        client.download_artifacts(run, "none.txt")


def inputs() -> None:
    experiment = client.create_experiment(unique("client-inputs"))
    run = client.create_run(experiment).info.run_id
    model = client.create_logged_model(experiment, name="net").model_id
    dataset = Dataset("iris", "d1", "local", "{}", schema="s", profile="p")
    client.log_inputs(
        run, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])], [LoggedModelInput(model)]
    )
    client.log_outputs(run, [LoggedModelOutput(model, 3)])
    found = client.get_run(run)
    same(
        "dataset",
        [(i.dataset.name, i.dataset.schema, i.tags[0].value) for i in found.inputs.dataset_inputs],
        [("iris", "s", "train")],
    )
    same("model in", [i.model_id for i in found.inputs.model_inputs], [model])
    same("model out", [(o.model_id, o.step) for o in found.outputs.model_outputs], [(model, 3)])
    checked(
        "runs are found by dataset",
        len(client.search_runs([experiment], "datasets.name = 'iris' and dataset.context = 'train'")) == 1,
    )


if __name__ == "__main__":
    run_workflow(experiments, runs, search, files, inputs)

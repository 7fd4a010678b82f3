"""The fluent interface: runs that nest and resume, metrics, params, tags, files."""

import json
from pathlib import Path

import matplotlib
import mlflow
import numpy as np
import pandas as pd

from checking import checked, experiment, refused, run_workflow, same

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def lifecycle() -> None:
    experiment("fluent")
    with mlflow.start_run(run_name="outer", description="a note", tags={"team": "red"}) as outer:
        mlflow.log_param("depth", 3)
        mlflow.log_params({"rate": 0.1, "kind": "tree"})
        mlflow.log_metric("loss", 0.5, step=0)
        mlflow.log_metrics({"loss": 0.25, "accuracy": 0.9}, step=1)
        mlflow.set_tags({"stage": "draft", "count": 5})
        mlflow.set_tag("stage", "final")
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            mlflow.log_metric("loss", 0.75)
    found = mlflow.get_run(outer.info.run_id)
    same("run is finished", found.info.status, "FINISHED")
    same("params are texts", found.data.params, {"depth": "3", "rate": "0.1", "kind": "tree"})
    same("latest metrics", found.data.metrics, {"loss": 0.25, "accuracy": 0.9})
    same(
        "tags",
        [found.data.tags[key] for key in ("team", "stage", "count", "mlflow.note.content")],
        ["red", "final", "5", "a note"],
    )
    same("name", found.info.run_name, "outer")
    checked("times are set", found.info.end_time >= found.info.start_time > 1_600_000_000_000)
    parent = mlflow.get_parent_run(inner.info.run_id)
    same("nested run knows its parent", parent.info.run_id, outer.info.run_id)
    with mlflow.start_run(run_id=outer.info.run_id):
        same("resumed run is running", mlflow.get_run(outer.info.run_id).info.status, "RUNNING")
        mlflow.log_metric("loss", 0.1, step=2)
        with refused("param of another value is refused", "INVALID_PARAMETER_VALUE"):
            mlflow.log_param("depth", 4)
        mlflow.log_param("depth", 3)
        mlflow.delete_tag("count")
    found = mlflow.get_run(outer.info.run_id)
    same("resumed run went on", (found.data.metrics["loss"], "count" in found.data.tags), (0.1, False))
    try:
        with mlflow.start_run() as broken:
            raise RuntimeError("stop")
    except RuntimeError:
        same("run of an exception has failed", mlflow.get_run(broken.info.run_id).info.status, "FAILED")
    mlflow.delete_run(broken.info.run_id)
    same("deleted run", mlflow.get_run(broken.info.run_id).info.lifecycle_stage, "deleted")


def special_values() -> None:
    with mlflow.start_run() as run:
        mlflow.log_metric("nan", float("nan"))
        mlflow.log_metric("inf", float("inf"))
        mlflow.log_param("long", "v" * 6000)
        mlflow.log_param("größe/漢", "ü")
    found = mlflow.get_run(run.info.run_id)
    checked("NaN comes back", bool(np.isnan(found.data.metrics["nan"])))
    checked("infinity is the largest number", found.data.metrics["inf"] > 1.7e308)
    same("long and foreign params", (len(found.data.params["long"]), found.data.params["größe/漢"]), (6000, "ü"))


def files() -> None:
    Path("data").mkdir()
    Path("data/a.txt").write_text("alpha")
    Path("data/sub").mkdir()
    Path("data/sub/b c.bin").write_bytes(bytes(range(256)))
    with mlflow.start_run() as run:
        mlflow.log_artifact("data/a.txt", "single")
        mlflow.log_artifacts("data", "whole")
        mlflow.log_text("text\nlines", "notes/text.txt")
        mlflow.log_dict({"a": [1, 2], "b": None}, "notes/dict.json")
        mlflow.log_dict({"a": 1}, "notes/dict.yaml")
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3])
        mlflow.log_figure(figure, "plots/line.png")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "plots/black.png")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), key="stepped", step=1)
        mlflow.log_table({"question": ["a", "b"], "score": [1.0, 2.0]}, "table.json")
        mlflow.log_table(pd.DataFrame({"question": ["c"], "score": [3.0]}), "table.json")
        uri = mlflow.get_artifact_uri("single/a.txt")
    checked("artifact uri goes through the server", uri.startswith("mlflow-artifacts:/"))
    same("text of a uri", mlflow.artifacts.load_text(uri), "alpha")
    same("dict", mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/notes/dict.json"), {"a": [1, 2], "b": None})
    checked("image", mlflow.artifacts.load_image(f"runs:/{run.info.run_id}/plots/black.png").size == (4, 4))
    folder = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="whole", dst_path="down"))
    same(
        "downloaded folder",
        sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()),
        ["a.txt", "sub/b c.bin"],
    )
    same("downloaded bytes", (folder / "sub/b c.bin").read_bytes(), bytes(range(256)))
    listed = {item.path: item.is_dir for item in mlflow.artifacts.list_artifacts(run_id=run.info.run_id)}
    same(
        "listing",
        listed,
        {"single": True, "whole": True, "notes": True, "plots": True, "images": True, "table.json": False},
    )
    table = mlflow.load_table("table.json", run_ids=[run.info.run_id], extra_columns=["run_id"])
    same("table of two calls", (list(table["question"]), set(table["run_id"])), (["a", "b", "c"], {run.info.run_id}))
    whole = Path(mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/", dst_path="all"))
    same("downloaded table", json.loads((whole / "table.json").read_text())["columns"], ["question", "score"])


def experiments() -> None:
    first = experiment("fluent-set")
    same(
        "experiment is found by name",
        mlflow.get_experiment_by_name(mlflow.get_experiment(first).name).experiment_id,
        first,
    )
    mlflow.set_experiment_tags({"owner": "ada"})
    same("experiment tags", mlflow.get_experiment(first).tags["owner"], "ada")
    same("unknown experiment is none", mlflow.get_experiment_by_name("no such name"), None)
    mlflow.delete_experiment(first)
    name = mlflow.get_experiment(first).name
    same("deleted experiment", mlflow.get_experiment(first).lifecycle_stage, "deleted")
    checked(
        "deleted experiment is not listed",
        name not in [e.name for e in mlflow.search_experiments(filter_string=f"name = '{name}'")],
    )


if __name__ == "__main__":
    run_workflow(lifecycle, special_values, files, experiments)

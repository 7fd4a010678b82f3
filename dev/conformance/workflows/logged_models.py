"""Logged models: create, finalize, tag, search, files."""

from pathlib import Path

import mlflow
from mlflow import MlflowClient

from checking import checked, experiment, refused, run_workflow, same

client = MlflowClient()


def lifecycle() -> None:
    found = experiment("logged-models")
    model = client.create_logged_model(found, name="net", params={"a": "1"}, tags={"t": "x"}, model_type="agent")
    same("pending", str(model.status), "PENDING")
    client.log_model_params(model.model_id, {"b": "2"})
    client.set_logged_model_tags(model.model_id, {"t": "y", "u": "z"})
    client.delete_logged_model_tag(model.model_id, "u")
    Path("weights.bin").write_bytes(b"12345")
    Path("folder").mkdir()
    Path("folder/x.txt").write_text("x")
    client.log_model_artifact(model.model_id, "weights.bin")
    client.log_model_artifacts(model.model_id, "folder", "more")
    client.finalize_logged_model(model.model_id, "READY")
    got = client.get_logged_model(model.model_id)
    same(
        "model",
        (str(got.status), got.params, got.tags["t"], got.model_type),
        ("READY", {"a": "1", "b": "2"}, "y", "agent"),
    )
    same("files", sorted(f.path for f in client.list_logged_model_artifacts(model.model_id)), ["more", "weights.bin"])
    same(
        "file by uri",
        Path(mlflow.artifacts.download_artifacts(f"{model.artifact_location}/weights.bin")).read_bytes(),
        b"12345",
    )
    client.delete_logged_model(model.model_id)
    with refused("deleted model", "RESOURCE_DOES_NOT_EXIST"):
        client.get_logged_model(model.model_id)


def search() -> None:
    found = experiment("logged-models-search")
    for i in range(4):
        model = mlflow.initialize_logged_model(name=f"net{i}", params={"depth": str(i)})
        with mlflow.start_run():
            mlflow.log_metric("score", i / 10, model_id=model.model_id)
        mlflow.finalize_logged_model(model.model_id, "READY")
    best = mlflow.search_logged_models(
        [found],
        filter_string="metrics.score > 0.05",
        order_by=[{"field_name": "metrics.score", "ascending": False}],
        output_format="list",
    )
    same("by a metric, best first", [m.name for m in best], ["net3", "net2", "net1"])
    same(
        "by a param",
        [
            m.name
            for m in mlflow.search_logged_models([found], filter_string="params.depth = '2'", output_format="list")
        ],
        ["net2"],
    )
    page = client.search_logged_models([found], max_results=3, order_by=[{"field_name": "name"}])
    rest = client.search_logged_models([found], max_results=3, order_by=[{"field_name": "name"}], page_token=page.token)
    same("pages", [m.name for m in [*page, *rest]], ["net0", "net1", "net2", "net3"])
    same("as a table", len(mlflow.search_logged_models([found])), 4)


def external() -> None:
    experiment("external")
    model = mlflow.create_external_model(name="remote", params={"host": "x"})
    checked("external model is ready", str(model.status) == "READY")
    mlflow.set_active_model(name="active-net")
    same("active model", mlflow.get_logged_model(mlflow.get_active_model_id()).name, "active-net")
    mlflow.clear_active_model()


if __name__ == "__main__":
    run_workflow(lifecycle, search, external)

"""MlflowClient: registered models, versions, aliases, stages, copies, searches."""

import mlflow
from mlflow import MlflowClient

from checking import checked, refused, run_workflow, same, unique

client = MlflowClient()


def models() -> None:
    name = unique("model")
    client.create_registered_model(name, tags={"team": "red"}, description="what")
    with refused("model of a taken name", "RESOURCE_ALREADY_EXISTS"):
        client.create_registered_model(name)
    client.update_registered_model(name, "better")
    client.set_registered_model_tag(name, "a", "1")
    client.delete_registered_model_tag(name, "team")
    found = client.get_registered_model(name)
    same("model", (found.description, found.tags, found.latest_versions), ("better", {"a": "1"}, []))
    client.rename_registered_model(name, name + "-new")
    same("renamed", [m.name for m in client.search_registered_models(f"name = '{name}-new'")], [name + "-new"])
    client.delete_registered_model(name + "-new")
    with refused("deleted model", "RESOURCE_DOES_NOT_EXIST"):
        client.get_registered_model(name + "-new")


def versions() -> None:
    name = unique("versions")
    client.create_registered_model(name)
    run = client.create_run("0").info.run_id
    one = client.create_model_version(name, f"runs:/{run}/model", run, tags={"a": "1"}, description="first")
    two = client.create_model_version(name, "s3://bucket/model")
    same(
        "numbers and states",
        [(v.version, v.status, v.current_stage) for v in (one, two)],
        [("1", "READY", "None"), ("2", "READY", "None")],
    )
    client.set_model_version_tag(name, "1", "b", "2")
    client.delete_model_version_tag(name, "1", "a")
    client.update_model_version(name, "1", "changed")
    found = client.get_model_version(name, "1")
    same("version", (found.tags, found.description, found.run_id), ({"b": "2"}, "changed", run))
    same("download uri", client.get_model_version_download_uri(name, "2"), "s3://bucket/model")
    same("by run", [v.version for v in client.search_model_versions(f"run_id = '{run}'")], ["1"])
    same(
        "by name, newest first",
        [v.version for v in client.search_model_versions(f"name = '{name}'", order_by=["version_number DESC"])],
        ["2", "1"],
    )
    client.delete_model_version(name, "2")
    with refused("deleted version", "RESOURCE_DOES_NOT_EXIST"):
        client.get_model_version(name, "2")
    same("number is never used again", client.create_model_version(name, "s3://bucket/model").version, "3")


def aliases() -> None:
    name = unique("aliases")
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, "s3://bucket/model")
    client.set_registered_model_alias(name, "champion", "1")
    same("alias", client.get_model_version_by_alias(name, "champion").version, "1")
    client.set_registered_model_alias(name, "champion", "2")
    same(
        "alias moved",
        (client.get_model_version(name, "1").aliases, client.get_model_version(name, "2").aliases),
        ([], ["champion"]),
    )
    same("aliases of the model", client.get_registered_model(name).aliases, {"champion": "2"})
    client.delete_registered_model_alias(name, "champion")
    with refused("missing alias", "INVALID_PARAMETER_VALUE"):
        client.get_model_version_by_alias(name, "champion")
    with refused("reserved alias", "INVALID_PARAMETER_VALUE"):
        client.set_registered_model_alias(name, "latest", "1")


def stages() -> None:
    name = unique("stages")
    client.create_registered_model(name)
    for _ in range(3):
        client.create_model_version(name, "s3://bucket/model")
    client.transition_model_version_stage(name, "1", "Production")
    client.transition_model_version_stage(name, "2", "production", archive_existing_versions=True)
    same("stages", [client.get_model_version(name, v).current_stage for v in "123"], ["Archived", "Production", "None"])
    same(
        "latest by stage",
        {v.current_stage: v.version for v in client.get_latest_versions(name)},
        {"Archived": "1", "Production": "2", "None": "3"},
    )
    same("latest of one stage", [v.version for v in client.get_latest_versions(name, ["Production"])], ["2"])
    checked("known stages", "Production" in client.get_model_version_stages(name, "1"))


def copies() -> None:
    name, target = unique("source"), unique("target")
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/model", tags={"a": "1"}, description="first")
    copy = client.copy_model_version(f"models:/{name}/1", target)
    same("copy", (copy.name, copy.version, copy.source), (target, "1", f"models:/{name}/1"))
    same("copy points to the same files", client.get_model_version_download_uri(target, "1"), "s3://bucket/model")
    client.set_registered_model_alias(name, "best", "1")
    same("copy by alias", client.copy_model_version(f"models:/{name}@best", target).version, "2")


def pages() -> None:
    stem = unique("pages")
    for i in range(5):
        client.create_registered_model(f"{stem}-{i}")
    page = client.search_registered_models(f"name LIKE '{stem}%'", max_results=2, order_by=["name DESC"])
    names = [m.name[-1] for m in page]
    while page.token:
        page = client.search_registered_models(
            f"name LIKE '{stem}%'", max_results=2, order_by=["name DESC"], page_token=page.token
        )
        names += [m.name[-1] for m in page]
    same("pages of models", names, list("43210"))
    same("fluent search", len(mlflow.search_registered_models(filter_string=f"name LIKE '{stem}%'")), 5)


if __name__ == "__main__":
    run_workflow(models, versions, aliases, stages, copies, pages)

"""Prompts: register, load, alias, tags, search, delete."""

import mlflow
from mlflow import MlflowClient

from checking import checked, experiment, run_workflow, same, unique

client = MlflowClient()


def versions() -> None:
    name = unique("greeting")
    one = mlflow.genai.register_prompt(
        name=name, template="Hello {{name}}", commit_message="first", tags={"tone": "warm"}
    )
    two = mlflow.genai.register_prompt(name=name, template="Dear {{name}}")
    same("versions", (one.version, two.version), (1, 2))
    loaded = mlflow.genai.load_prompt(f"prompts:/{name}/1")
    same(
        "text",
        (loaded.template, loaded.format(name="Ada"), loaded.commit_message, loaded.tags["tone"]),
        ("Hello {{name}}", "Hello Ada", "first", "warm"),
    )
    same("missing prompt", mlflow.genai.load_prompt(f"prompts:/{name}/9", allow_missing=True), None)
    mlflow.genai.set_prompt_alias(name, "production", 2)
    same("alias", mlflow.genai.load_prompt(f"prompts:/{name}@production").version, 2)
    mlflow.genai.delete_prompt_alias(name, "production")
    checked("latest", mlflow.genai.load_prompt(f"prompts:/{name}@latest").version == 2)
    same("found among prompts", [p.name for p in mlflow.genai.search_prompts(filter_string=f"name = '{name}'")], [name])
    same("not found among models", client.search_registered_models(f"name = '{name}'").to_list(), [])
    client.set_prompt_tag(name, "owner", "ada")
    client.set_prompt_version_tag(name, "1", "state", "ok")
    same(
        "tags",
        (client.get_prompt(name).tags["owner"], client.get_prompt_version(name, "1").tags["state"]),
        ("ada", "ok"),
    )
    client.delete_prompt_tag(name, "owner")
    client.delete_prompt_version_tag(name, "1", "state")
    same(
        "tags are deleted",
        ("owner" in client.get_prompt(name).tags, "state" in client.get_prompt_version(name, "1").tags),
        (False, False),
    )
    same("versions are searched", sorted(int(v.version) for v in client.search_prompt_versions(name)), [1, 2])
    client.delete_prompt_version(name, "1")
    client.delete_prompt_version(name, "2")
    client.delete_prompt(name)
    same("deleted prompt", client.get_prompt(name), None)


def chat() -> None:
    name = unique("chat")
    messages = [{"role": "system", "content": "You are {{kind}}"}, {"role": "user", "content": "{{question}}"}]
    mlflow.genai.register_prompt(name=name, template=messages, response_format={"type": "object"})
    same("chat prompt", mlflow.genai.load_prompt(f"prompts:/{name}/1").template, messages)
    client.set_prompt_alias(name, "a", 1)
    same("by alias", client.get_prompt_version_by_alias(name, "a").version, 1)
    client.delete_prompt_alias(name, "a")


def by_parts() -> None:
    name = unique("parts")
    client.create_prompt(name, description="what", tags={"a": "1"})
    client.create_prompt_version(name, "Hi {{name}}", description="first")
    same(
        "prompt made by parts",
        (client.get_prompt(name).description, client.get_prompt_version(name, 1).template),
        ("what", "Hi {{name}}"),
    )
    same("uri of a prompt", client.parse_prompt_uri(f"prompts:/{name}/1"), (name, "1"))


def links() -> None:
    found = experiment("prompts")
    name = unique("linked")
    with mlflow.start_run() as run:
        prompt = mlflow.genai.register_prompt(name=name, template="Hi")
        client.link_prompt_version_to_run(run.info.run_id, prompt)
    checked("prompt of a run", name in client.get_run(run.info.run_id).data.tags["mlflow.linkedPrompts"])
    model = client.create_logged_model(found, name="net")
    client.link_prompt_version_to_model(name, "1", model.model_id)
    checked("prompt of a model", name in client.get_logged_model(model.model_id).tags.get("mlflow.linkedPrompts", ""))


if __name__ == "__main__":
    run_workflow(versions, chat, by_parts, links)

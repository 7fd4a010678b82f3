"""Webhooks by the client: create, list, change, delete."""

from checking import checked, refused, run_workflow, same, unique
from mlflow import MlflowClient

client = MlflowClient()


def lifecycle() -> None:
    name = unique("hook")
    # An address of the documentation range: no name has to be resolved, and nothing answers.
    hook = client.create_webhook(
        name,
        "https://203.0.113.7/hook",
        ["model_version.created", "registered_model.created"],
        description="what",
        secret="hidden",
    )
    same(
        "webhook",
        (hook.name, str(hook.status), sorted(str(e) for e in hook.events)),
        (name, "ACTIVE", ["model_version.created", "registered_model.created"]),
    )
    checked("secret is not told", getattr(hook, "secret", None) is None)
    client.update_webhook(hook.webhook_id, status="DISABLED", description="changed", events=["prompt.created"])
    found = client.get_webhook(hook.webhook_id)
    same(
        "changed",
        (str(found.status), found.description, [str(e) for e in found.events]),
        ("DISABLED", "changed", ["prompt.created"]),
    )
    checked("listed", hook.webhook_id in [h.webhook_id for h in client.list_webhooks(max_results=100)])
    with refused("unknown event", "INVALID_PARAMETER_VALUE"):
        client.create_webhook(name, "https://203.0.113.7/hook", ["model_version.deleted"])
    with refused("unsafe address", "INVALID_PARAMETER_VALUE"):
        client.create_webhook(name, "ftp://203.0.113.7/hook", ["prompt.created"])
    client.delete_webhook(hook.webhook_id)
    with refused("deleted webhook", "RESOURCE_DOES_NOT_EXIST"):
        client.get_webhook(hook.webhook_id)


if __name__ == "__main__":
    run_workflow(lifecycle)

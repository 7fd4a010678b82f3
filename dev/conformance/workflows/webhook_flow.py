"""Webhooks by the client: create, list, change, delete, and deliveries to a receiver on this machine.

The server must let webhooks call private addresses.
"""

import base64
import hashlib
import hmac
import json
import queue
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from mlflow import MlflowClient

from checking import checked, refused, run_workflow, same, unique

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


received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what is delivered."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        received.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is told."""


def delivered(entity: str, action: str, secret: str) -> dict[str, Any]:
    """The data of the next delivery, whose envelope and signature are as they should be."""
    headers, body = received.get(timeout=30)
    signed = f"{headers['x-mlflow-delivery-id']}.{headers['x-mlflow-timestamp']}.{body.decode()}".encode()
    expected = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    same(f"signature of {entity} {action}", headers["x-mlflow-signature"], f"v1,{expected}")
    told: dict[str, Any] = json.loads(body)
    same(f"event {entity} {action}", (told["entity"], told["action"]), (entity, action))
    data: dict[str, Any] = told["data"]
    return data


def deliveries() -> None:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    url, secret = f"http://127.0.0.1:{server.server_port}/hook", "a secret of some length"
    hook = client.create_webhook(
        unique("local"),
        url,
        ["registered_model.created", "model_version.created", "model_version_alias.created", "model_version_tag.set"],
        secret=secret,
    )
    result = client.test_webhook(hook.webhook_id, "registered_model.created")
    same("test delivery", (result.success, result.response_status, result.response_body), (True, 200, "thanks"))
    delivered("registered_model", "created", secret)
    name = unique("hooked")
    client.create_registered_model(name, tags={"a": "1"}, description="what")
    same(
        "data of a model",
        delivered("registered_model", "created", secret),
        {"name": name, "tags": {"a": "1"}, "description": "what"},
    )
    client.create_model_version(name, "s3://bucket/model")
    data = delivered("model_version", "created", secret)
    same("data of a version", (data["name"], data["version"], data["source"]), (name, "1", "s3://bucket/model"))
    client.set_registered_model_alias(name, "champion", "1")
    same(
        "data of an alias",
        delivered("model_version_alias", "created", secret),
        {"name": name, "alias": "champion", "version": "1"},
    )
    client.set_model_version_tag(name, "1", "k", "v")
    same(
        "data of a tag",
        delivered("model_version_tag", "set", secret),
        {"name": name, "version": "1", "key": "k", "value": "v"},
    )
    client.delete_webhook(hook.webhook_id)


if __name__ == "__main__":
    run_workflow(lifecycle, deliveries)

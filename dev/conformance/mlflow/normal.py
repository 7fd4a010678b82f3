"""Normalisation: what two right servers may answer differently becomes the same.

Captured and given values become their variable's name, other generated ids `<id>`, times of the server `<time>`,
generated names `<name>`; lists whose order the interface leaves open are sorted.
"""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

from answer import Answer
from case import Json, Step

STARTED_MILLISECONDS = int(time.time() * 1000)
DAY_MILLISECONDS = 86_400_000

PAGE = "<page>"
"""Stands for a body of HTML."""

GENERATED = re.compile(
    r"(?:\b(?:m|a|d|dr|tr|iss)-)?\b[0-9a-f]{32}\b|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
)
GENERATED_DIGEST = re.compile(r"[0-9a-f]{8}")
RANDOM_NAME = re.compile(r"[a-z]+-[a-z]+-\d{1,4}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")

UNORDERED = {
    "aliases",
    "assessments",
    "dataset_inputs",
    "dataset_summaries",
    "experiment_ids",
    "files",
    "latest_versions",
    "model_inputs",
    "model_outputs",
    "params",
    "request_metadata",
    "tags",
}
"""Lists that are sets in the interface."""

EXPERIMENT_KEYS = {"experiment_id", "experiment_ids"}
PLACES = re.compile(r"(?<=mlflow-artifacts:/)\d+|(?<=/)\d+(?=/models/|/traces/|/[0-9a-f{<])")


class Names:
    """The values of one case's variables on one server."""

    def __init__(self, given: dict[str, str]) -> None:
        self.values: dict[str, Any] = dict(given)
        self._texts: list[tuple[str, str]] = []
        for name, value in given.items():
            self._texts.append((value, f"{{{name}}}"))
            if name != "u":
                encoded = base64.b64encode(bytes.fromhex(value)).decode()
                self._texts.append((encoded, f"{{{name}:base64}}"))

    def capture(self, name: str, value: Any) -> None:
        """Keeps a value; a missing one becomes a text that no server knows."""
        known = name in self.values
        self.values[name] = f"missing-{name}" if value is None else value
        # Short numbers are ids of experiments or versions: they are replaced by place, not by text.
        if isinstance(value, str) and len(value) >= 8 and not known:
            self._texts.insert(0, (value, f"{{{name}}}"))

    def text(self, text: str) -> str:
        """A text with every known value replaced by its name."""
        for value, name in self._texts:
            text = text.replace(value, name)
        return text

    def experiment(self, value: Any) -> Any:
        """The variable that holds this experiment's id, else a mark."""
        for name, known in self.values.items():
            if str(known) == str(value) and name.startswith("exp"):
                return f"{{{name}}}"
        return value if value in ("", "0", None) else "<id>"


def normalised(number: int, step: Step, status: int, headers: dict[str, str], body: Json, names: Names) -> Answer:
    """The comparable form of one answer."""
    kept = {name: names.text(value) for key, value in headers.items() if (name := key.lower()) in step.kept_headers}
    message = ""
    if status >= 400:
        kept = {}
        message = json.dumps(body) if not isinstance(body, dict) else str(body.get("message", json.dumps(body)))
        if body != PAGE:
            body = {"error_code": body["error_code"]} if isinstance(body, dict) and "error_code" in body else None
    elif step.seen is not None:
        try:
            body = step.seen(body)
        except (LookupError, TypeError, ValueError, AttributeError):
            body = {"another shape": body}
    return Answer(number, status, _value("", "", body, names), kept, message)


def _value(parent: str, key: str, value: Json, names: Names) -> Json:
    if isinstance(value, dict):
        return {names.text(k): _value(key, k, v, names) for k, v in value.items()}
    if isinstance(value, list | tuple):
        items = [_value(parent, key, item, names) for item in value]
        is_set = key in UNORDERED or (key == "metrics" and parent == "data")
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if is_set else items
    if key in EXPERIMENT_KEYS:
        return names.experiment(value)
    if key in ("next_page_token", "token") and isinstance(value, str):
        return "<token>" if value else ""
    if key == "digest" and isinstance(value, str) and GENERATED_DIGEST.fullmatch(value):
        return "<digest>"
    if isinstance(value, str):
        return _text(value, names)
    return "<time>" if _is_now(value) else value


def _text(text: str, names: Names) -> str:
    if RANDOM_NAME.fullmatch(text):
        return "<name>"
    text = names.text(text)
    text = PLACES.sub(lambda found: str(names.experiment(found[0])), text)
    text = INSTANT.sub(lambda found: "<time>" if _is_recent(found[0]) else found[0], text)
    return GENERATED.sub("<id>", text)


def _is_now(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return STARTED_MILLISECONDS - DAY_MILLISECONDS < value < STARTED_MILLISECONDS + DAY_MILLISECONDS


def _is_recent(instant: str) -> bool:
    day = time.strftime("%Y-%m-%dT", time.gmtime())
    first = time.strftime("%Y-%m-%dT", time.gmtime(STARTED_MILLISECONDS / 1000))
    return instant.startswith((day, first))

"""Plays a case against one server and gives its normalised answers."""

from __future__ import annotations

import hashlib
import json
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests
from answer import Answer
from case import Case, Json, Step
from fixtures import VARIABLE, with_fixtures
from normal import PAGE, Names, normalised

TIMEOUT_SECONDS = 120
LONGEST_TEXT = 1000
CLOSED = 599
"""Stands for the status when the server gave no answer but closed the connection."""


class Player:
    """One server, asked over one kept connection."""

    def __init__(self, base: str, nonce: str) -> None:
        self.base = base
        self.nonce = nonce
        self.session = requests.Session()
        self.session.trust_env = False
        self.requests = 0

    def play(self, case: Case) -> list[Answer]:
        """The answers to all steps, fixtures included."""
        names = Names(given_values(case.id, self.nonce))
        return [self._step(number, step, names) for number, step in with_fixtures(case)]

    def _step(self, number: int, step: Step, names: Names) -> Answer:
        if step.pause_milliseconds:
            time.sleep(step.pause_milliseconds / 1000)
        response = self._ask(step, names)
        self.requests += 1
        body = parsed(response)
        for name, place in step.captures:
            names.capture(name, pick(body, place))
        return normalised(number, step, response.status_code, dict(response.headers), body, names)

    def _ask(self, step: Step, names: Names) -> requests.Response:
        headers = {key: filled(value, names.values) for key, value in step.send_headers}
        data: bytes | None = None
        if step.raw is not None:
            data = filled_bytes(step.raw, names.values)
        elif step.body is not None:
            data = json.dumps(filled(step.body, names.values)).encode()
            headers.setdefault("Content-Type", "application/json")
        query = "&".join(f"{quote(k, safe='')}={quote(filled(v, names.values), safe='')}" for k, v in step.query)
        url = self.base + filled(step.path, names.values) + (f"?{query}" if query else "")
        request = requests.Request(step.method, self.base, headers=headers, data=data)
        prepared = self.session.prepare_request(request)
        # As it stands: the library would tidy dots and escapes away, and attacks are made of them.
        prepared.url = url
        for _ in range(2):
            try:
                return self.session.send(prepared, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            except requests.ConnectionError:
                # A server that refuses a body may close the connection on the next request of another case.
                self.session.close()
        closed = requests.Response()
        closed.status_code = CLOSED
        closed._content = b"the connection was closed"
        return closed


def given_values(case_id: str, nonce: str) -> dict[str, str]:
    """The variables that a case starts with; the same on every server that is asked in one go."""
    digest = hashlib.sha256(f"{nonce}:{case_id}".encode()).hexdigest()
    values = {"u": "c" + digest[:9]}
    for number in range(1, 5):
        more = hashlib.sha256(f"{digest}:{number}".encode()).hexdigest()
        values[f"hex{number}"] = f"{number}{more[:31]}"
        values[f"span{number}"] = f"{number}{more[32:47]}"
    return values


def filled(value: Json, values: dict[str, Any]) -> Any:
    """A step's value with its variables filled in."""
    if isinstance(value, str):
        whole = VARIABLE.fullmatch(value)
        if whole and value.startswith("{#") and whole[1] in values:
            number = str(values[whole[1]])
            return int(number) if number.isdigit() else number
        return VARIABLE.sub(lambda found: str(values.get(found[1], found[0])), value)
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, dict):
        return {filled(key, values): filled(item, values) for key, item in value.items()}
    return value


def filled_bytes(data: bytes, values: dict[str, Any]) -> bytes:
    """A raw body with its variables filled in, if it is text."""
    try:
        return str(filled(data.decode(), values)).encode()
    except UnicodeDecodeError:
        return data


def parsed(response: requests.Response) -> Json:
    """The body: JSON where it says so, a mark for a page of HTML, short text, or a digest of anything else."""
    kind = response.headers.get("Content-Type", "")
    if "json" in kind:
        try:
            return json.loads(response.text)
        except ValueError:
            return {"not JSON": response.text}
    if "html" in kind and response.status_code >= HTTPStatus.BAD_REQUEST:
        return PAGE
    digest = f"{len(response.content)} bytes, sha256 {hashlib.sha256(response.content).hexdigest()}"
    if len(response.content) > LONGEST_TEXT:
        return digest
    try:
        return response.content.decode()
    except UnicodeDecodeError:
        return digest


def pick(body: Json, place: str) -> Any:
    """The value at a dotted place, or None."""
    for part in place.split("."):
        if isinstance(body, dict):
            body = body.get(part)
        elif isinstance(body, list) and part.lstrip("-").isdigit() and -len(body) <= int(part) < len(body):
            body = body[int(part)]
        else:
            return None
    return body

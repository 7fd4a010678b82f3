"""What a case is: named steps, each one request, written as data with a few builders.

Any string of a step may hold variables in braces: `{u}` is a name that no other case uses, `{hex1}`..`{hex4}` are 32
hexadecimal digits in ascending order, `{span1}`..`{span4}` 16 of them, and everything else is a value that an earlier
step captured. `{#name}` as a whole string becomes a number. What `fixtures.py` knows is created before the first step
that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

Json = Any
"""A JSON value."""


@dataclass(frozen=True)
class Step:
    """One request, and how its answer is judged."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Json = None
    raw: bytes | None = None
    send_headers: tuple[tuple[str, str], ...] = ()
    captures: tuple[tuple[str, str], ...] = ()
    """Pairs of a variable and the dotted place of its value in the answer."""
    is_refused: bool = False
    fragments: tuple[str, ...] = ()
    """What the error text must hold on every server."""
    kept_headers: tuple[str, ...] = ()
    seen: Callable[[Json], Json] | None = None
    """What of the answer's body is compared; everything when absent."""
    pause_milliseconds: int = 0

    def refused(self, *fragments: str) -> Step:
        """Says that the request must fail, with a text that holds all `fragments`."""
        return replace(self, is_refused=True, fragments=fragments)

    def headers(self, *names: str) -> Step:
        """Compares these headers of the answer too."""
        return replace(self, kept_headers=tuple(name.lower() for name in names))

    def sending(self, headers: dict[str, str]) -> Step:
        """Sends these headers too."""
        return replace(self, send_headers=self.send_headers + tuple(headers.items()))

    def showing(self, seen: Callable[[Json], Json]) -> Step:
        """Compares only what `seen` makes of the answer's body."""
        return replace(self, seen=seen)

    def after(self, milliseconds: int) -> Step:
        """Waits first, so that the server's clock has moved on."""
        return replace(self, pause_milliseconds=milliseconds)


@dataclass(frozen=True)
class Case:
    """A named sequence of steps that stands alone."""

    area: str
    name: str
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """The name to select it by."""
        return f"{self.area}/{self.name}"


@dataclass
class Area:
    """The cases of one part of the interface; one module of `cases` holds one area."""

    name: str
    cases: list[Case] = field(default_factory=list)

    def case(self, name: str, *steps: Step) -> None:
        """Adds a case."""
        if any(known.name == name for known in self.cases):
            raise ValueError(f"two cases are called {self.name}/{name}")
        self.cases.append(Case(self.name, name, steps))

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)


def full_path(path: str) -> str:
    """`runs/get` is of version 2, `3:traces` of version 3, `/health` as it stands."""
    if path.startswith("/"):
        return path
    if path.startswith("3:"):
        return f"/api/3.0/mlflow/{path[2:]}"
    return f"/api/2.0/mlflow/{path}"


def _pairs(query: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = [(key, value if isinstance(value, list) else [value]) for key, value in query.items()]
    return tuple((key, str(item)) for key, values in listed for item in values)


def get(path: str, query: dict[str, Any] | None = None, **captures: str) -> Step:
    """A GET with a query string; a list repeats its key. Keywords name captured values."""
    return Step("GET", full_path(path), query=_pairs(query or {}), captures=tuple(captures.items()))


def send(method: str, path: str, body: Json = None, **captures: str) -> Step:
    """A request with a JSON body."""
    return Step(method, full_path(path), body={} if body is None else body, captures=tuple(captures.items()))


def post(path: str, body: Json = None, **captures: str) -> Step:
    """A POST with a JSON body."""
    return send("POST", path, body, **captures)


def patch(path: str, body: Json = None, **captures: str) -> Step:
    """A PATCH with a JSON body."""
    return send("PATCH", path, body, **captures)


def delete(path: str, body: Json = None, **captures: str) -> Step:
    """A DELETE with a JSON body, as the client sends it."""
    return send("DELETE", path, body, **captures)


def raw(method: str, path: str, data: bytes | str = b"", headers: dict[str, str] | None = None, **captures: str) -> Step:
    """A request with a body as it stands; its content type is only what `headers` say. Text may hold variables."""
    step = Step(method, full_path(path), raw=data.encode() if isinstance(data, str) else data)
    return replace(step, send_headers=tuple((headers or {}).items()), captures=tuple(captures.items()))


def query_of(step: Step, **query: Any) -> Step:
    """Adds a query string to a step that has a body."""
    return replace(step, query=step.query + _pairs(query))

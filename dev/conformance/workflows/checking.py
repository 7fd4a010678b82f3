"""Small helpers of the workflows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import mlflow
from mlflow.exceptions import MlflowException


def unique(stem: str) -> str:
    """A name that nobody has used."""
    return f"{stem}-{secrets.token_hex(4)}"


def checked(what: str, holds: bool = True) -> None:
    """Says what holds, or fails."""
    if not holds:
        raise AssertionError(what)
    print(f"  {what}", flush=True)


def same(what: str, found: Any, expected: Any) -> None:
    """Says that two values agree, or fails with both."""
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")
    print(f"  {what}", flush=True)


@contextmanager
def refused(what: str, code: str) -> Iterator[None]:
    """Says that the block is refused with this error code, or fails."""
    try:
        yield
    except MlflowException as error:
        same(what, error.error_code, code)
    else:
        raise AssertionError(f"{what}: was accepted")


def experiment(stem: str) -> str:
    """A fresh experiment, made the current one."""
    return str(mlflow.set_experiment(unique(stem)).experiment_id)


def run_workflow(*parts: Callable[[], None]) -> None:
    """Runs the parts of a script in their order."""
    for part in parts:
        part()

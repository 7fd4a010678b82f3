"""Where two answers to one step differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from answer import Answer
from case import Case, Step
from fixtures import with_fixtures
from normal import PAGE

ABSENT = "<absent>"
"""Stands for what one side does not have."""


@dataclass(frozen=True)
class Finding:
    """One departure of the subject from the reference."""

    case: str
    step: int
    request: str
    at: str
    """`status`, `message`, `headers.NAME`, or the dotted place in the body."""
    reference: Any
    subject: Any


def findings(case: Case, reference: list[Answer], subject: list[Answer]) -> list[Finding]:
    """All departures in one case."""
    found: list[Finding] = []
    for (number, step), there, here in zip(with_fixtures(case), reference, subject, strict=True):
        request = f"{step.method} {step.path}"
        departures = list(_departures(step, there, here))
        found += [Finding(case.id, number, request, at, left, right) for at, left, right in departures]
    return found


def _departures(step: Step, there: Answer, here: Answer) -> Iterator[tuple[str, Any, Any]]:
    if there.status != here.status:
        yield "status", _told(there), _told(here)
    if here.step == 0 or there.is_refusal != here.is_refusal:
        # What a fixture answers in full is the matter of a case of its own.
        return
    if not there.is_refusal:
        yield from _values("body", there.body, here.body)
        yield from _values("headers", there.headers, here.headers)
    elif there.body in (None, PAGE):
        yield from _unlike_page(there, here)
    else:
        yield from _values("body", there.body, here.body)
    missing = [fragment for fragment in step.fragments if fragment not in here.message]
    if missing and here.is_refusal:
        yield "message", missing, here.message


def _told(answer: Answer) -> str:
    """The status, the code and the text of a refusal."""
    code = answer.body.get("error_code", "") if isinstance(answer.body, dict) else ""
    return f"{answer.status} {code if answer.is_refusal else ''} {answer.message[:300]}".strip()


def _unlike_page(there: Answer, here: Answer) -> Iterator[tuple[str, Any, Any]]:
    """A refusal without a code of its own: the client makes the code of the status, so any other code is wrong."""
    code = here.body.get("error_code") if isinstance(here.body, dict) else None
    made = {404: "ENDPOINT_NOT_FOUND"}.get(there.status)
    if there.body == PAGE and made and code not in (None, made):
        yield "body.error_code", f"{made} (by the client)", code


def _values(at: str, there: Any, here: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(there, dict) and isinstance(here, dict):
        for key in sorted(there.keys() | here.keys()):
            yield from _values(f"{at}.{key}", there.get(key, ABSENT), here.get(key, ABSENT))
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for position, (left, right) in enumerate(zip(there, here, strict=True)):
            yield from _values(f"{at}.{position}", left, right)
    elif not _is_same(there, here):
        yield at, there, here


def _is_same(there: Any, here: Any) -> bool:
    """Whether two values mean the same: 5 is 5.0, and JSON within a text may be spaced and ordered freely."""
    if isinstance(there, str) and isinstance(here, str) and there[:1] in ("{", "[") and there != here:
        try:
            return bool(json.loads(there) == json.loads(here))
        except ValueError:
            return False
    return bool(there == here) and isinstance(there, bool) == isinstance(here, bool)


def misjudged(case: Case, reference: list[Answer]) -> list[str]:
    """Steps that the reference did not answer as the case says: such a case does not test what it claims."""
    wrong = []
    for (number, step), answer in zip(with_fixtures(case), reference, strict=True):
        told = f"{case.id} step {number} {step.method} {step.path}"
        if answer.is_refusal != step.is_refused:
            expected = "refused" if step.is_refused else "accepted"
            wrong.append(f"{told}: to be {expected}, but {answer.status} {answer.body} {answer.message[:300]}")
        wrong += [
            f"{told}: the reference's text holds no {fragment!r}: {answer.message[:400]}"
            for fragment in step.fragments
            if answer.message and fragment not in answer.message
        ]
    return wrong

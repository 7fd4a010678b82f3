"""Recorded answers of the reference: one JSON file an area, so that a machine without stock MLflow can compare."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from answer import Answer
from case import Case
from fixtures import with_fixtures

Answers = dict[str, list[Answer]]
"""The answers of one server by the id of the case."""


def save(folder: Path, cases: Iterable[Case], answers: Answers) -> None:
    """Writes one file an area, a line a case, so that a change shows as that case's line."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for case in cases:
        recorded = [answer.recorded() for answer in answers[case.id]]
        text = json.dumps(recorded, separators=(",", ":"), sort_keys=True)
        lines.setdefault(case.area, []).append(f"{json.dumps(case.name)}:{text}")
    for area, rows in lines.items():
        (folder / f"{area}.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")


def load(folder: Path, cases: Iterable[Case]) -> Answers:
    """Reads what `save` wrote; a case that is not there is an error."""
    files: dict[str, dict[str, list[dict[str, object]]]] = {}
    answers: Answers = {}
    for case in cases:
        if case.area not in files:
            files[case.area] = json.loads((folder / f"{case.area}.json").read_text())
        records = files[case.area].get(case.name)
        numbers = [number for number, _ in with_fixtures(case)]
        if records is None or len(records) != len(numbers):
            raise SystemExit(f"the recording does not fit {case.id}; record anew with --record")
        answers[case.id] = [Answer.of_record(number, record) for number, record in zip(numbers, records, strict=True)]
    return answers

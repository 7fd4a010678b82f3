"""What steps may take for granted: a variable that no step captured is made by its fixture first."""

from __future__ import annotations

import json
import re

from case import Case, Step, post

FIXTURES: dict[str, Step] = {
    "exp": post("experiments/create", {"name": "{u}"}, exp="experiment_id"),
    "run": post(
        "runs/create",
        {"experiment_id": "{exp}", "run_name": "one", "user_id": "ada", "start_time": 1700000000000},
        run="run.info.run_id",
    ),
    "model": post("registered-models/create", {"name": "{u}.model"}, model="registered_model.name"),
    "logged": post("logged-models", {"experiment_id": "{exp}", "name": "net"}, logged="model.info.model_id"),
}
"""The step that makes each variable, captured under the same name."""

GIVEN = {"u"} | {f"{kind}{number}" for kind in ("hex", "span") for number in range(1, 5)}
"""Variables that every case has from the start."""

VARIABLE = re.compile(r"\{#?([a-z][a-z0-9_]*)\}")
"""A variable in a string of a step."""


def names_in(step: Step) -> list[str]:
    """The variables that a step uses."""
    texts = [step.path, json.dumps(step.body), (step.raw or b"").decode("latin-1")]
    texts += [text for pair in step.query + step.send_headers for text in pair]
    return [name for text in texts for name in VARIABLE.findall(text)]


def with_fixtures(case: Case) -> list[tuple[int, Step]]:
    """The steps of a case, numbered from 1, with the fixtures that they need before them as number 0."""
    known = set(GIVEN)
    steps: list[tuple[int, Step]] = []

    def add(number: int, step: Step) -> None:
        for name in names_in(step):
            if name not in known and name in FIXTURES:
                add(0, FIXTURES[name])
        known.update(name for name, _ in step.captures)
        steps.append((number, step))

    for number, step in enumerate(case.steps, start=1):
        add(number, step)
    return steps

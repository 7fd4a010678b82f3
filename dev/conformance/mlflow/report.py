"""What a run of the suite prints, and the page of intended differences."""

from __future__ import annotations

import json
from collections import Counter
from itertools import groupby
from typing import Any

from compare import Finding
from differences import DIFFERENCES

LONGEST = 600

PAGE = """# Differences to MLflow

Flyball's MLflow interface is compared with the stock server (MLflow 3.17.2) by `dev/conformance/mlflow`. These answers
differ on purpose; everything else that the suite asks is the same. The page is generated from
`dev/conformance/mlflow/differences.py`.

| What | Why |
|---|---|
"""


def shown(value: Any) -> str:
    """A value in one line."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True) if not isinstance(value, str) else value
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def print_findings(findings: list[Finding]) -> None:
    """The diff of each case."""
    for case, of_case in groupby(findings, key=lambda finding: finding.case):
        print(f"\n✗ {case}")
        for (step, request), of_step in groupby(of_case, key=lambda finding: (finding.step, finding.request)):
            print(f"    {step or 'fixture'}: {request}")
            for finding in of_step:
                print(f"      {finding.at}\n        - {shown(finding.reference)}\n        + {shown(finding.subject)}")


def print_summary(findings: list[Finding], cases: int, requests: int) -> None:
    """The count of differing cases by area."""
    differing = {finding.case for finding in findings}
    by_area = Counter(case.split("/", 1)[0] for case in differing)
    for area, count in by_area.most_common():
        print(f"{area:<24}{count} differing cases")
    print(f"{cases} cases, {requests} requests to each server: {len(differing)} cases differ")


def page() -> str:
    """The documentation page of intended differences."""
    return PAGE + "".join(f"| {difference.what} | {difference.why} |\n" for difference in DIFFERENCES)

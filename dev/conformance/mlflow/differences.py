"""Where Flyball answers differently on purpose. Rendered into docs/reference/mlflow-differences.md."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from compare import Finding


@dataclass(frozen=True)
class Difference:
    """One difference by intent; it excuses what it matches, and must match something."""

    cases: str
    """A pattern over the ids of cases."""
    what: str
    """What a user sees, in one sentence."""
    why: str
    step: int | None = None
    at: str = "*"
    """A pattern over the place of the departure."""

    def covers(self, finding: Finding) -> bool:
        """Whether it excuses this finding."""
        is_step = self.step is None or self.step == finding.step
        return is_step and fnmatchcase(finding.case, self.cases) and fnmatchcase(finding.at, self.at)


DIFFERENCES: tuple[Difference, ...] = ()
"""All of them, by area."""

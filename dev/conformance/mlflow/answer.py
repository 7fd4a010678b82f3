"""An answer in the form that is compared and recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a server said to one step, without what differs by nature."""

    step: int
    """The number of the step; 0 for a fixture."""
    status: int
    body: Any
    """The normalised body; of an error only its code."""
    headers: dict[str, str]
    message: str
    """The error text, else empty. Never compared as a whole."""

    @property
    def is_refusal(self) -> bool:
        """Whether the request failed."""
        return self.status >= 400

    def recorded(self) -> dict[str, Any]:
        """The form in a recording."""
        kept: dict[str, Any] = {"status": self.status, "body": self.body}
        return kept | ({"headers": self.headers} if self.headers else {})

    @staticmethod
    def of_record(step: int, record: dict[str, Any]) -> Answer:
        """Reads what `recorded` wrote."""
        return Answer(step, record["status"], record["body"], record.get("headers", {}), "")

"""Asks two servers the same and compares: `python dev/conformance/mlflow --binary FILE`.

The reference is a stock MLflow server, started here, or one that runs at --reference URL, or a recording (--against).
"""

from __future__ import annotations

import argparse
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path

from case import Case
from cases import all_cases
from compare import Finding, findings, misjudged
from differences import DIFFERENCES
from play import Player
from recording import Answers, load, save
from report import page, print_findings, print_summary
from servers import FlyballServer, StockServer


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    judged = parser.add_mutually_exclusive_group()
    judged.add_argument(
        "--binary", type=Path, help="a flyball to start and judge; without one the reference judges itself"
    )
    judged.add_argument("--subject", help="base URL of a running server to judge")
    parser.add_argument("--subject-database", metavar="URL", help="database for the flyball that is started")
    parser.add_argument("--reference", metavar="URL", help="base URL of a running stock server")
    parser.add_argument("--database", metavar="URL", help="SQLAlchemy URL for the stock server that is started")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep the reference's answers")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="compare with kept answers")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose id matches, such as 'runs/*'")
    parser.add_argument("--list", action="store_true", help="print the ids of the cases")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of intended differences")
    return parser.parse_args()


def answers_of(base: str, cases: list[Case], nonce: str) -> tuple[Answers, int]:
    """Plays all cases on one server."""
    player = Player(base, nonce)
    answers = {case.id: player.play(case) for case in cases}
    return answers, player.requests


def asked(options: argparse.Namespace, cases: list[Case]) -> tuple[Answers, Answers, int]:
    """The answers of the reference and of the subject, and the number of requests to the subject."""
    nonce = secrets.token_hex(8)
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        base, subject = options.reference, options.subject
        if base is None and options.against is None:
            base = stack.enter_context(StockServer(options.database)).base
        if options.binary:
            subject = stack.enter_context(FlyballServer(options.binary, options.subject_database)).base
        if subject is None and base is None:
            raise SystemExit("--against needs --binary FILE or --subject URL")
        if subject is None:
            # A reference that judges itself needs other names for its second go, and an end of the first.
            there, _ = answers_of(base, cases, nonce)
            here, requests = answers_of(base, cases, secrets.token_hex(8))
            return there, here, requests
        first = pool.submit(answers_of, base, cases, nonce) if base else None
        here, requests = answers_of(subject, cases, nonce)
        there = first.result()[0] if first else load(options.against, cases)
    return there, here, requests


def stale(found: list[Finding]) -> list[str]:
    """Intended differences that no longer show."""
    return [
        f"no longer differs: {pattern}: {difference.what}"
        for difference in DIFFERENCES
        for pattern in difference.cases
        if not any(difference.matches(pattern, finding) for finding in found)
    ]


def main() -> int:
    options = arguments()
    cases = [case for case in all_cases() if fnmatchcase(case.id, options.only or "*")]
    if options.page:
        options.page.write_text(page())
        return 0
    if options.list:
        print("\n".join(case.id for case in cases))
        return 0
    there, here, requests = asked(options, cases)
    wrong = [text for case in cases for text in misjudged(case, there[case.id])]
    found = [finding for case in cases for finding in findings(case, there[case.id], here[case.id])]
    if options.subject or options.binary:
        unexplained = [f for f in found if not any(difference.covers(f) for difference in DIFFERENCES)]
        wrong += stale(found) if options.only is None else []
    else:
        unexplained = found
    print_findings(unexplained)
    print("".join(f"\n! {text}" for text in wrong))
    print_summary(unexplained, len(cases), requests)
    if options.record and not wrong:
        save(options.record, cases, there)
    return 1 if unexplained or wrong else 0


if __name__ == "__main__":
    sys.exit(main())

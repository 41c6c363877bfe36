# SPDX-License-Identifier: Apache-2.0
"""Prints what was counted: ``python -m protector.tests.failure.report DIR
[MATRIX=N ...]``.

Fails when there was a violation, no case at all, or a matrix had fewer cases
than it must have.
"""

import collections
import json
import pathlib
import sys

Rows = list[list[str]]


def main(directory: str, *least: str) -> int:
    """The exit status.

    :param directory: with a file of cases for each test.
    :param least: of cases, ``MATRIX=N``.
    """
    cases: dict[str, Rows] = {}
    violations: dict[str, list[str]] = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        told = json.loads(path.read_text())
        cases.setdefault(told["matrix"], []).extend(told["cases"])
        found = violations.setdefault(told["matrix"], [])
        found += told["violations"]
    for matrix, rows in sorted(cases.items()):
        found = violations[matrix]
        _show(rows)
        print(f"{matrix} matrix: {len(rows)} cases, {len(found)} violations")
        for text in found:
            print(f"violation: {text}")
    return 1 if _lacks(cases, least) or any(violations.values()) else 0


def _lacks(cases: dict[str, Rows], least: tuple[str, ...]) -> bool:
    """Whether there are none, or too few of one matrix."""
    wanted = {m: int(n) for m, _, n in (text.partition("=") for text in least)}
    few = [m for m, n in wanted.items() if len(cases.get(m, ())) < n]
    for matrix in few:
        print(f"{matrix} matrix: fewer than {wanted[matrix]} cases")
    return not cases or bool(few)


def _show(rows: Rows) -> None:
    """How often each row's subject met each kind."""
    counts: dict[str, collections.Counter[str]] = {}
    for subject, kind, *_ in rows:
        counts.setdefault(subject, collections.Counter())[kind] += 1
    for subject, found in sorted(counts.items()):
        kinds = " ".join(f"{k}:{n}" for k, n in sorted(found.items()))
        print(f"{found.total():6d}  {subject}  {kinds}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

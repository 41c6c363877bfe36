# SPDX-License-Identifier: Apache-2.0
"""Prints what was counted: ``python -m protector.tests.failure.report DIR``.

Fails when there was a violation, or no case at all.
"""

import collections
import json
import pathlib
import sys

Rows = list[list[str]]


def main(directory: str) -> int:
    """The exit status.

    :param directory: with a file of cases for each test.
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
    return 0 if cases and not any(violations.values()) else 1


def _show(rows: Rows) -> None:
    """How often each row's subject met each kind."""
    counts: dict[str, collections.Counter[str]] = {}
    for subject, kind, *_ in rows:
        counts.setdefault(subject, collections.Counter())[kind] += 1
    for subject, found in sorted(counts.items()):
        kinds = " ".join(f"{k}:{n}" for k, n in sorted(found.items()))
        print(f"{found.total():6d}  {subject}  {kinds}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

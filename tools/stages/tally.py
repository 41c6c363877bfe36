# SPDX-License-Identifier: Apache-2.0
"""Counts what a run of tests did: ``tally.py LISTED RESULT <subunit``.

Writes "passed failed skipped" to RESULT and prints each failure with its
reason, as the end of a long log is all that some will see.  A test of LISTED
(a file, an id per line) that did not run counts as failed: a worker that
dies takes the rest of its tests with it, and nobody else misses them.
"""

import pathlib
import re
import sys
from typing import Any

import subunit
import testtools

REASON_LINES = 25
_GROUP = re.compile(r"^(?:setUp|tearDown)(?:Class|Module) \((?P<of>\S+)\)$")
"""How unittest names what it says of a class or module as a whole."""


class Tally:
    """``failed``: reason by id; ``seen``: ids of tests, classes, modules."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.failed: dict[str, str] = {}
        self.passed = self.skipped = 0

    def add(self, test: dict[str, Any]) -> None:
        """Count one test, as testtools' StreamToDict tells it."""
        if test["status"] == "exists":
            return
        group = _GROUP.match(test["id"])
        self.seen.add(group["of"] if group else test["id"])
        if test["status"] == "skip":
            self.skipped += 1
        elif test["status"] in ("success", "xfail"):
            self.passed += 1
        else:
            self.failed[test["id"]] = _reason(test)

    def miss(self, listed: list[str]) -> None:
        """Count as failed what of ``listed`` neither ran nor was skipped
        with its class or module."""
        for key in listed:
            if not self._covered(key):
                self.failed[key] = "    it was listed and did not run"

    def _covered(self, key: str) -> bool:
        name = key.partition("(")[0]
        return key in self.seen or any(
            name.startswith(f"{of}.") for of in self.seen
        )


def _reason(test: dict[str, Any]) -> str:
    found = [
        detail.as_text().strip()
        for name, detail in test["details"].items()
        if name.startswith(("traceback", "reason"))
    ]
    lines = "\n".join(found).splitlines() or [f"it ended {test['status']}"]
    return "\n".join(f"    {line[:400]}" for line in lines[-REASON_LINES:])


def main(listed: str, result: str) -> int:
    """The exit status: 1 when a test failed or did not run."""
    tally = Tally()
    stream = testtools.StreamToDict(tally.add)
    stream.startTestRun()
    subunit.ByteStreamToStreamResult(sys.stdin.buffer).run(stream)
    stream.stopTestRun()
    tally.miss(pathlib.Path(listed).read_text().splitlines())
    for key, reason in tally.failed.items():
        print(f"FAILED {key}\n{reason}")
    counts = tally.passed, len(tally.failed), tally.skipped
    pathlib.Path(result).write_text(f"{counts[0]} {counts[1]} {counts[2]}\n")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

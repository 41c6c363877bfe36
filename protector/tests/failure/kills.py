# SPDX-License-Identifier: Apache-2.0
"""Which moments of an operation are its engine's last, and the count.

The moments come from the operation itself: each that it reaches and that no
engine has died at yet is one, so a new step is one without being named here.
"""

import json
import os
import pathlib

from protector.tests.failure import mortal

KINDS = ("before", "after", "recorded")
COUNTS = "PROTECTOR_MATRIX_COUNTS"
AT_MOST = 8
"""Deaths at one step, for calls that are others each time."""


class Kills:
    """Every moment of one kind, one after the other, in one operation."""

    def __init__(self, verb: str, kind: str | None) -> None:
        self.verb = verb
        self.kind = kind
        self.dealt: list[mortal.Moment] = []

    def __call__(self, moment: mortal.Moment) -> bool:
        if moment.kind != self.kind or moment in self.dealt:
            return False
        same = [m for m in self.dealt if m.step == moment.step]
        if len([m for m in same if m.member == moment.member]) >= AT_MOST:
            return False
        self.dealt.append(moment)
        return True


class Count:
    """Adds up what a matrix did, for the report of the stage.

    :param matrix: ``kill``, ...
    :param name: of the test.
    """

    def __init__(self, matrix: str, name: str) -> None:
        self._matrix = matrix
        self._name = name
        self._rows: list[list[str]] = []

    def add(self, kills: Kills) -> None:
        self._rows += [
            [kills.verb, m.kind, m.step, m.detail] for m in kills.dealt
        ]

    def save(self, violations: list[str]) -> None:
        """To the directory that the stage names, if it does."""
        directory = os.environ.get(COUNTS)
        if directory:
            told = {
                "matrix": self._matrix,
                "cases": self._rows,
                "violations": violations,
            }
            path = pathlib.Path(directory) / f"{self._name}.json"
            path.write_text(json.dumps(told))

# SPDX-License-Identifier: Apache-2.0
"""Keeps what a test counted for the report of the stage, and prints it:
``python -m protector.tests.model.counts DIR SCENARIOS``.

Fails when there was a violation, or when too few scenarios had all their
steps.
"""

import collections
import json
import os
import pathlib
import sys

DIRECTORY = "PROTECTOR_MODEL_COUNTS"
FIRST = ("deaths", "partitions", "violations")
STEPS = 30
"""Of a scenario; hypothesis cuts some short that it begins with."""
LENGTH = "scenarios of {} steps"
Counts = collections.Counter[str]


def scenario(found: Counts, steps: int) -> None:
    """One has ended.

    :param steps: that it had.
    """
    found[LENGTH.format(steps)] += 1


def save(name: str, found: Counts) -> None:
    """To the directory that the stage names, if it does."""
    directory = os.environ.get(DIRECTORY)
    if directory:
        path = pathlib.Path(directory) / f"{name}.json"
        path.write_text(json.dumps(found))


def main(directory: str, wanted: int) -> int:
    """The exit status.

    :param wanted: scenarios of all their steps, at least.
    """
    found: Counts = collections.Counter()
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        found.update(json.loads(path.read_text()))
    whole = {
        steps: number
        for steps in range(STEPS, 2 * STEPS)
        if (number := found[LENGTH.format(steps)])
    }
    for name in sorted(set(found) - set(FIRST)):
        print(f"{found[name]:6d}  {name}")
    print(
        f"{sum(whole.values())} scenarios",
        f"{sum(n * number for n, number in whole.items())} steps",
        f"at least {min(whole, default=0)} each",
        *(f"{found[name]} {name}" for name in FIRST),
        sep=", ",
    )
    good = sum(whole.values()) >= wanted and not found["violations"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))

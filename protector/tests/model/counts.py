# SPDX-License-Identifier: Apache-2.0
"""Keeps what a test counted for the report of the stage, and prints it:
``python -m protector.tests.model.counts DIR SCENARIOS``.

Fails when there was a violation, or when there were too few scenarios.
"""

import collections
import json
import os
import pathlib
import sys

DIRECTORY = "PROTECTOR_MODEL_COUNTS"
FIRST = ("scenarios", "steps", "deaths", "partitions", "violations")


def save(name: str, found: collections.Counter[str]) -> None:
    """To the directory that the stage names, if it does."""
    directory = os.environ.get(DIRECTORY)
    if directory:
        path = pathlib.Path(directory) / f"{name}.json"
        path.write_text(json.dumps(found))


def main(directory: str, wanted: int) -> int:
    """The exit status.

    :param wanted: scenarios, at least.
    """
    found: collections.Counter[str] = collections.Counter()
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        found.update(json.loads(path.read_text()))
    for name in sorted(set(found) - set(FIRST)):
        print(f"{found[name]:6d}  {name}")
    print(", ".join(f"{found[name]} {name}" for name in FIRST))
    good = found["scenarios"] >= wanted and not found["violations"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))

# SPDX-License-Identifier: Apache-2.0
"""Prints what was counted: ``python -m protector.tests.fuzz.report DIR N``.

Fails when less than N requests were sent.
"""

import collections
import json
import pathlib
import sys


def main(directory: str, least: int) -> int:
    """The exit status.

    :param directory: with a file of counts for each run.
    """
    statuses: collections.Counter[int] = collections.Counter()
    routes: dict[str, collections.Counter[int]] = {}
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        told = json.loads(path.read_text())
        sent = sum(n for _, _, n in told["counts"])
        print(f"{path.stem}: {sent} requests, seed {told['seed']}")
        for route, status, n in told["counts"]:
            statuses[status] += n
            routes.setdefault(route, collections.Counter())[status] += n
    total = statuses.total()
    print(f"{total} requests: {_line(statuses)}")
    for route, found in sorted(routes.items(), key=lambda r: r[0].split()[1]):
        print(f"{found.total():6d}  {route}  {_line(found)}")
    if total < least:
        print(f"only {total} of {least} requests were sent")
        return 1
    return 0


def _line(counts: "collections.Counter[int]") -> str:
    return " ".join(f"{status}:{n}" for status, n in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))

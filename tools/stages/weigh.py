# SPDX-License-Identifier: Apache-2.0
"""Tells stestr how long tests take: ``weigh.py REPOSITORY LISTED WEIGHTS``.

A clean clone has no times of earlier runs, and stestr then deals the tests
out by their number: of two workers one goes on alone for minutes.  WEIGHTS
has lines of a test's name, or how it begins, and seconds; the longest that
fits counts, and a test that none fits takes one second.
"""

from dbm import dumb
import pathlib
import sys


def weights(text: str) -> dict[str, str]:
    """Seconds by what the name of a test begins with."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {name: seconds for name, seconds in filter(None, lines)}


def weigh(test: str, known: dict[str, str]) -> str:
    """The seconds of a test."""
    found = [name for name in known if test.startswith(name)]
    return known[max(found, key=len)] if found else "1"


def main(repository: str, listed: str, path: str) -> None:
    known = weights(pathlib.Path(path).read_text())
    tests = pathlib.Path(listed).read_text().split()
    # as stestr/repository/file.py does
    with dumb.open(f"{repository}/.stestr/times.dbm", "c") as times:
        times.update({test: weigh(test, known) for test in tests})


if __name__ == "__main__":
    main(*sys.argv[1:])

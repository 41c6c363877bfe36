# SPDX-License-Identifier: Apache-2.0
"""The documented page, taken apart: sections, and the commands in them.

Knows nothing of what a command does.  The page is plain text: without
indentation, and with commands run into the prose around them.
"""

from collections.abc import Iterator
import dataclasses
import os
import pathlib
import re

VARIABLE = "PROTECTOR_PAGE"
HEADING = re.compile(
    r"""
    (?:Step|Example)\ \d+\ —\ .+ | Issue:\ .+
    | Protection\ Group\ Properties | Automatically-Managed\ Properties
    | Metadata\ Synchronization\ Behavior | RBAC\ Policy\ Defaults
    | (?:Creating|Updating|Deleting|Showing)\ a\ Protection\ Group
    | (?:Adding|Removing)\ a\ VM\ (?:to|from)\ a\ Protection\ Group
    | Listing\ (?:Protection\ Groups|Members)
    | Checking\ and\ Forcing\ Metadata\ Sync
    """,
    re.VERBOSE,
)
# how a command begins; the page prints these and no others
_BEGIN = (
    r"(?:openstack (?:protector|volume|token) |curl |systemctl |journalctl |"
    r"pip install |export |[A-Z_]+=\$\()"
)
_LINE = re.compile(_BEGIN)
# where prose goes on after a command within it
_INLINE = re.compile(
    rf"(?P<command>{_BEGIN}.+?)"
    r"(?=\.? - | — | on the |(?<=list)and |$)"
)


@dataclasses.dataclass(frozen=True)
class Section:
    """:ivar lines: all that stands below the title."""

    title: str
    lines: tuple[str, ...]

    @property
    def commands(self) -> list[str]:
        """Every command, as printed, in the order of the page."""
        return list(_commands(self.lines))

    def block(self, first: str, last: str) -> list[list[str]]:
        """Every run of lines that begins with ``first`` and ends with a
        line that begins with ``last``."""
        found: list[list[str]] = []
        taking = False
        for line in self.lines:
            if line.startswith(first):
                found.append([])
                taking = True
            if taking:
                found[-1].append(line)
                taking = not line.startswith(last)
        return found

    @property
    def tables(self) -> list[str]:
        """The printed tables."""
        tables: list[str] = []
        inside = False
        for line in self.lines:
            if line.startswith(("+-", "| ")):
                if not inside:
                    tables.append("")
                tables[-1] += line + "\n"
            inside = line.startswith(("+-", "| "))
        return tables


class Page:
    """:param text: the whole page."""

    def __init__(self, text: str) -> None:
        self.sections = {s.title: s for s in _sections(text)}

    def section(self, title: str) -> Section:
        """The section of that title, or the only one that begins so."""
        if title in self.sections:
            return self.sections[title]
        found = [s for t, s in self.sections.items() if t.startswith(title)]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} sections {title!r}")
        return found[0]


def read() -> Page | None:
    """The page that the environment names, None if it names none."""
    path = os.environ.get(VARIABLE)
    return Page(pathlib.Path(path).read_text()) if path else None


def _sections(text: str) -> Iterator[Section]:
    title, lines = "", []
    for line in text.splitlines():
        if HEADING.fullmatch(line):
            yield Section(title, tuple(lines))
            title, lines = line, []
        else:
            lines.append(line)
    yield Section(title, tuple(lines))


def _commands(lines: tuple[str, ...]) -> Iterator[str]:
    rest = iter(lines)
    for line in rest:
        if _LINE.match(line) and " - " not in line and " — " not in line:
            command = line
            while command.endswith("\\") or command.count("'") % 2:
                command += "\n" + next(rest)
            yield command
        else:
            yield from (m["command"] for m in _INLINE.finditer(line))

# SPDX-License-Identifier: Apache-2.0
"""The commands that the documents print are commands that there are.

Each goes through the real parsers; none is run. The documents are those of
this distribution, and those of the repository where it is at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
import pathlib
import re
import shlex

from openstackclient import shell

import protectorclient
from protectorclient.osc.v1 import tour
from protectorclient.tests import base
from protectorclient.tests.osc import test_help

CLIENT = pathlib.Path(protectorclient.__file__).parents[1]
DOCUMENTS = ("README.rst", "doc/source/**/*.rst", "api-ref/source/*.inc")
# what the shell would take as the end of the command
_END = {">", "|", "&&", "#"}


def documents() -> list[pathlib.Path]:
    """The documents that may print commands."""
    found = [CLIENT / "README.rst"]
    for pattern in DOCUMENTS:
        found += sorted(CLIENT.parent.glob(pattern))
    return found


def commands(text: str) -> Iterator[tuple[list[str], bool]]:
    """The words after each ``openstack``, and whether they are a whole line.

    Within a sentence a command may stand without its arguments.
    """
    text = re.sub(r"\\\n[\s>]*", " ", text)
    for line in re.findall(r"(?m)^[\s$#>]*openstack (.*)$", text):
        yield _words(line), True
    for literal in re.findall(r"``openstack (protector [^`]+)``", text):
        yield _words(literal), False


def _words(line: str) -> list[str]:
    words = shlex.split(line)
    ends = (n for n, word in enumerate(words) if word in _END)
    return words[: next(ends, len(words))]


class DocumentedTest(base.TestCase):
    """What is printed can be typed."""

    def setUp(self) -> None:
        super().setUp()
        self.shell = shell.OpenStackShell()

    def test_documents(self) -> None:
        found = {
            path: self._parse_all(path.read_text(), path.name)
            for path in documents()
        }
        self.assertGreater(found[CLIENT / "README.rst"], 15)
        guide = CLIENT.parent / "doc/source/user/index.rst"
        self.assertGreater(found.get(guide, 21), 20)

    def test_tour(self) -> None:
        self.assertEqual(8, self._parse_all(tour.TOUR, "the tour"))

    def _parse_all(self, text: str, where: str) -> int:
        count = 0
        for words, whole in commands(text):
            _, ours = self.shell.parser.parse_known_args(words)
            if ours[:1] == ["protector"] and ours[1:] not in ([], ["..."]):
                self._parse(ours[1:], whole, where)
                count += 1
        return count

    def _parse(self, words: list[str], whole: bool, where: str) -> None:
        line = " ".join(words)
        known = [n for n in tour.commands() if f"{line} ".startswith(f"{n} ")]
        self.assertTrue(known, f"{where}: {line}")
        name = max(known, key=len)
        if whole:
            try:
                parser = test_help.parser_of(name)
                parser.parse_args(words[len(name.split()) :])
            except SystemExit:
                self.fail(f"{where}: {line}")

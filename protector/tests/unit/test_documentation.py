# SPDX-License-Identifier: Apache-2.0
"""The pages name only commands and options that there are."""

from collections.abc import Iterator
import re
import shlex
import tomllib

from oslo_config import cfg

from protector import conf, service
from protector.cmd import manage
from protector.tests import base, source

PAGES = source.ROOT / "doc" / "source"
_BLOCK = re.compile(r"(?:^ {3,}.*\n|^\n)+", re.MULTILINE)
_OPTION = re.compile(r"``\[(\w+)\] (\w+)")


def _lines() -> Iterator[str]:
    """Each line of a command in an indented block, continued ones joined."""
    for page in sorted(PAGES.rglob("*.rst")):
        for block in _BLOCK.findall(page.read_text("utf-8")):
            joined = re.sub(r"\\\n\s*", " ", block)
            yield from (line.strip() for line in joined.splitlines())


def _client_commands() -> set[str]:
    text = (source.ROOT / "client" / "pyproject.toml").read_text("utf-8")
    entries = tomllib.loads(text)["project"]["entry-points"]
    return {
        name.removeprefix("protector_").replace("_", " ")
        for name in entries["openstack.protector.v1"]
    }


def _called(line: str) -> str | None:
    """``site pair`` of a line that calls it."""
    found = re.match(
        r"openstack (?:--\S+ \S+ )*protector ([a-z-]+ [a-z-]+)", line
    )
    return found[1] if found else None


class DocumentationTest(base.TestCase):
    def test_each_client_command_exists(self) -> None:
        called = {c for line in _lines() if (c := _called(line))}
        self.assertGreater(len(called), 20)
        self.assertEqual(set(), called - _client_commands())

    def test_each_manage_command_parses(self) -> None:
        lines = [
            line
            for line in _lines()
            if re.match(r"(runuser \S+ \S+ -- )?protector-manage ", line)
        ]
        self.assertGreater(len(lines), 5)
        for line in lines:
            words = shlex.split(line, comments=True)
            given = words[words.index("protector-manage") + 1 :]
            command = cfg.SubCommandOpt(
                "command", handler=manage._add_commands
            )
            service.load_conf(given, [], [command])

    def test_each_option_exists(self) -> None:
        known = {
            (group, option.dest)
            for module in conf.GROUPS
            for group, options in module.list_opts()
            for option in options
        } | {("DEFAULT", "use_journal"), ("DEFAULT", "transport_url")}
        named = {
            pair
            for page in PAGES.rglob("*.rst")
            for pair in _OPTION.findall(page.read_text("utf-8"))
        }
        self.assertGreater(len(named), 5)
        self.assertEqual(set(), named - known)

# SPDX-License-Identifier: Apache-2.0
"""What can be found out without other documentation."""

from __future__ import annotations

import argparse
import re
import shlex
import types

from osc_lib.command import command

from protectorclient.osc import base as osc_base
from protectorclient.osc.v1 import tour
from protectorclient.tests.osc import base

GROUP_VERBS = (
    "create list show set delete member-add member-list member-show "
    "member-remove sync-status sync-force policy-set policy-show "
    "policy-delete mapping-set mapping-show mapping-propose "
    "consistency-group-show recovery-point-list health failover failback "
    "test-failover test-cleanup reprotect replicate source-cleanup "
    "resolve-split rehome"
)
#: The contract's table.
NOUNS = {
    "site": "pair create list show set delete validate volume-type-list "
    "declare-lost",
    "tenant-mapping": "create list show delete",
    "protection-group": GROUP_VERBS,
    "operation": "list show watch report retry skip cancel",
    "health": "show",
}
#: Options that need no example: many commands have them.
USUAL = {"--all-projects", "--dry-run", "--no-wait", "--timeout", "--yes"}
UNITS = ("second", "minute", "hour", "day", "number", "point")


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a command, as the shell makes it."""
    app = types.SimpleNamespace(NAME="openstack", options=None)
    made = tour.commands()[name].load()(app, None)
    return made.get_parser(f"openstack protector {name}")


def own_options(name: str) -> list[argparse.Action]:
    """The arguments of a command without those of the formatters."""
    return [
        action
        for group in parser_of(name)._action_groups
        if "formatter" not in str(group.title).lower()
        for action in group._group_actions
        if action.dest != "help"
    ]


class CommandsTest(base.CommandCase):
    """Which there are."""

    def test_their_names_are_those_of_the_contract(self) -> None:
        expected = {
            f"{noun} {verb}"
            for noun, verbs in NOUNS.items()
            for verb in verbs.split()
        }
        self.assertEqual(expected, set(tour.commands()))
        for name, point in tour.commands().items():
            self.assertTrue(issubclass(point.load(), command.Command), name)

    def test_bare_protector_lists_them_and_the_tour(self) -> None:
        result = self.openstack("protector")
        self.assertEqual(0, result.code, result.err)
        for name in tour.commands():
            self.assertRegex(result.out, rf"(?m)^  {name} +\w")
        self.assertIn("Five minutes", result.out)
        self.assertEqual([], self.site_a.calls)
        helped = self.openstack("protector", "--help")
        self.assertEqual(0, helped.code, helped.err)
        self.assertIn(result.out, helped.out)

    def test_wrong_word(self) -> None:
        result = self.protector("protection-group lst")
        self.assertEqual(2, result.code)
        self.assertIn("openstack protector protection-group list", result.err)

    def test_completion_of_the_shell(self) -> None:
        out = self.openstack("complete").out
        words = dict(re.findall(r"(?m)^  (cmds\w*)='(.*)'$", out))
        self.assertEqual(set(NOUNS), set(words["cmds_protector"].split()))
        for noun, verbs in NOUNS.items():
            found = words[f"cmds_protector_{noun.replace('-', '_')}"]
            self.assertEqual(set(verbs.split()), set(found.split()))
        self.assertFalse(set(NOUNS).intersection(words["cmds"].split()))
        self.assertIn(
            "--all-from", words["cmds_protector_protection_group_failover"]
        )


class HelpTest(base.CommandCase):
    """What ``--help`` of each says."""

    def test_it_is_what_the_shell_prints(self) -> None:
        name = "protection-group failover"
        shown = self.protector(name, "--help")
        self.assertEqual(0, shown.code, shown.err)
        _, _, rest = parser_of(name).format_help().partition("\n\n")
        self.assertIn(rest.partition("\n\nexamples:")[0], shown.out)
        self.assertIn(f"protector {name} --all-from site-a", shown.out)

    def test_a_description_of_its_own(self) -> None:
        seen: dict[str, str] = {}
        for name in tour.commands():
            text = str(parser_of(name).description)
            self.assertGreater(len(text.split()), 1, name)
            self.assertNotIn(text, seen, name)
            seen[text] = name

    def test_every_argument_says_what_it_is(self) -> None:
        for name in tour.commands():
            for action in own_options(name):
                what = f"{name} {action.option_strings or action.dest}"
                self.assertTrue(action.help, what)
                self.assertRegex(str(action.help), r"[A-Za-z]{2}", what)

    def test_numbers_have_units(self) -> None:
        for name in tour.commands():
            for action in own_options(name):
                if action.type in (int, float, osc_base.positive_seconds):
                    text = f"{action.metavar} {action.help}"
                    self.assertTrue(
                        any(unit in text for unit in UNITS),
                        f"{name} {action.option_strings}: {text}",
                    )

    def test_choices_and_defaults_are_told(self) -> None:
        for name in tour.commands():
            for action in own_options(name):
                what = f"{name} {action.option_strings}"
                if action.choices:
                    self.assertIsNone(action.metavar, what)
                if action.default not in (
                    None,
                    False,
                    True,
                    [],
                    "==SUPPRESS==",
                ):
                    self.assertIn(str(action.default), str(action.help), what)
                    self.assertIn("default", str(action.help), what)

    def test_examples_where_there_is_something_to_choose(self) -> None:
        for name, point in tour.commands().items():
            wanted = {s for a in own_options(name) for s in a.option_strings}
            examples = point.load().examples
            if wanted - USUAL:
                self.assertTrue(examples, name)
            for words in examples:
                self._parses(name, words)
                self.assertIn(
                    f"{name} {words}\n", parser_of(name).format_help()
                )

    def _parses(self, name: str, words: str) -> None:
        try:
            parser_of(name).parse_args(shlex.split(words))
        except SystemExit:
            self.fail(f"{name} {words}")

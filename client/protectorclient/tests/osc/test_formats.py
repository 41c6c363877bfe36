# SPDX-License-Identifier: Apache-2.0
"""Every command for scripts: JSON on stdout or nothing, and names."""

from __future__ import annotations

from typing import ClassVar

from cliff import display

from protectorclient.osc.v1 import tour
from protectorclient.tests.osc import base

_ID = "11111111-2222-4333-8444-555555555555"
_CREATE_SITE = (
    "--name b --auth-url http://127.0.0.1 --username u --password p "
    "--project-name service"
)
_CREATE_GROUP = (
    "--name new --primary-site site-1 --secondary-site site-2 "
    "--volume-type replicated-ssd"
)


class EveryCommandCase(base.CommandCase):
    """A command line for each command, and a cloud where it succeeds."""

    LINES: ClassVar[dict[str, str]] = {
        "health show": "",
        "operation cancel": "g",
        "operation list": "",
        "operation report": "g",
        "operation retry": "g",
        "operation show": "g",
        "operation skip": "g work",
        "operation watch": "g",
        "protection-group consistency-group-show": "g",
        "protection-group create": _CREATE_GROUP,
        "protection-group delete": "g",
        "protection-group failback": "g",
        "protection-group failover": "g",
        "protection-group health": "g",
        "protection-group list": "",
        "protection-group mapping-propose": "g",
        "protection-group mapping-set": "g --flavor a=b",
        "protection-group mapping-show": "g",
        "protection-group member-add": f"g --instance-id {_ID}",
        "protection-group member-list": "g",
        "protection-group member-remove": "g web",
        "protection-group member-show": "g web",
        "protection-group policy-delete": "g",
        "protection-group policy-set": "g --rpo 30",
        "protection-group policy-show": "g",
        "protection-group recovery-point-list": "g",
        "protection-group rehome": "g --secondary-site site-2",
        "protection-group replicate": "g",
        "protection-group reprotect": "g",
        "protection-group resolve-split": "g --keep-site site-1",
        "protection-group set": "g --description new",
        "protection-group show": "g",
        "protection-group source-cleanup": "g",
        "protection-group sync-force": "g",
        "protection-group sync-status": "g",
        "protection-group test-cleanup": "g",
        "protection-group test-failover": "g",
        "site create": _CREATE_SITE,
        "site declare-lost": "site-2",
        "site delete": "site-2",
        "site list": "",
        "site pair": "--peer-cloud site-b --service-username u "
        "--service-password p",
        "site set": "site-2 --description new",
        "site show": "site-2",
        "site validate": "site-2",
        "site volume-type-list": "site-1",
        "tenant-mapping create": f"--local-project {_ID} "
        f"--remote-site site-2 --remote-project {_ID}",
        "tenant-mapping delete": _ID,
        "tenant-mapping list": "",
        "tenant-mapping show": _ID,
    }

    def setUp(self) -> None:
        super().setUp()
        for site in (self.site_a, self.site_b):
            for number, row in enumerate(site.sites, 1):
                row["name"] = f"site-{number}"

    def line(self, name: str, *argv: str) -> base.Result:
        """Run the command's line, with fresh things to do it to."""
        site = self.site_a
        site.groups, site.members, site.operations = [], [], []
        site.make_group("g")
        site.make_member("web", 2)
        site.make_operation("failover", site.groups[0])
        return self.protector(f"{name} {self.LINES[name]}", *argv)


class JsonTest(EveryCommandCase):
    """``-f json`` is structured everywhere; what shows nothing is silent."""

    def test_there_is_a_line_for_each_command(self) -> None:
        self.assertEqual(sorted(tour.commands()), sorted(self.LINES))

    def test_commands_of_groups(self) -> None:
        self._all("protection-group ")

    def test_the_other_commands(self) -> None:
        self._all("site ", "tenant-mapping ", "operation ", "health ")

    def _all(self, *prefixes: str) -> None:
        for name, point in tour.commands().items():
            if not name.startswith(prefixes):
                continue
            shows = issubclass(point.load(), display.DisplayCommandBase)
            if shows or name == "operation report":
                result = self.line(name, "-f", "json")
                self.assertIsInstance(result.json(), dict | list, name)
            else:
                result = self.line(name)
                self.assertEqual("", result.out, name)
            self.assertEqual(0, result.code, f"{name}: {result.err}")


class NamesTest(EveryCommandCase):
    """What a name that nothing has, or several things, comes to."""

    def _refused(self, name: str, line: str, *said: str) -> None:
        result = self.protector(f"{name} {line}")
        self.assertEqual((1, ""), (result.code, result.out), name)
        for text in said:
            self.assertIn(text, result.err, name)

    def test_unknown_group_of_every_command(self) -> None:
        for name, line in self.LINES.items():
            if line.split()[:1] == ["g"] and name != "protection-group show":
                line = line.replace("g", "nobody", 1)
                self._refused(name, line, "named 'nobody'")

    def test_unknown_others(self) -> None:
        self.site_a.make_group("g")
        for name, line, kind in (
            ("site show", "x", "site"),
            ("protection-group member-show", "g x", "member"),
            ("protection-group member-add", "g --instance-id x", "server"),
            ("operation skip", "g x", "operation of the group"),
            (
                "protection-group create",
                _CREATE_GROUP.replace("replicated-ssd", "x"),
                "volume type at site-1",
            ),
            ("protection-group rehome", "g --secondary-site x", "site"),
        ):
            self._refused(name, line, f"no {kind} named")

    def test_ambiguous_others_list_the_candidates(self) -> None:
        self.site_a.make_group("g")
        self.site_a.sites[1]["name"] = "site-1"
        sites = [row["id"] for row in self.site_a.sites]
        members = [self.site_a.make_member("w", 1)["id"] for _ in range(2)]
        self.site_a.servers = [{"id": i, "name": "twin"} for i in ("s1", "s2")]
        self._refused("site show", "site-1", ", ".join(sites))
        self._refused("protection-group create", _CREATE_GROUP, *sites)
        self._refused("protection-group member-show", "g w", *members)
        self._refused(
            "protection-group member-add", "g --instance-id twin", "s1, s2"
        )

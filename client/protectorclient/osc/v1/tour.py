# SPDX-License-Identifier: Apache-2.0
"""Bare ``openstack protector``: what there is, and where to begin."""

from __future__ import annotations

import argparse
import difflib
from importlib import metadata

from protectorclient.osc import base, failures

GROUP = "openstack.protector.v1"
_SITES = "Sites and projects (mostly for admins)"
_GROUPS = "Protection groups"
_SET = "What is replicated, and what becomes what"
_MOVES = "Move, test, repair"
_WATCH = "Watch"
_MOVE_WORDS = (
    "failover",
    "failback",
    "test-",
    "reprotect",
    "replicate",
    "source-cleanup",
    "resolve-split",
    "rehome",
)
_SET_WORDS = ("policy-", "mapping-")
_WATCH_WORDS = ("health", "sync-", "recovery-", "consistency-")

TOUR = """\
Five minutes from nothing to a protected server:

  # 1. once, as admins: make the two sites known to each other
  openstack --os-cloud site-a-admin protector site pair \\
      --peer-cloud site-b-admin

  # 2. a group: the unit that is protected, moved and tested
  openstack protector protection-group create --name prod-web-app \\
      --primary-site site-a --secondary-site site-b \\
      --volume-type replicated-ssd

  # 3. its servers, and what becomes what at the other site
  openstack protector protection-group member-add prod-web-app \\
      --instance-id web-server-1
  openstack protector protection-group mapping-propose prod-web-app --apply

  # 4. am I protected?
  openstack protector protection-group list

  # 5. a drill, which touches nothing, and its end
  openstack protector protection-group test-failover prod-web-app
  openstack protector protection-group test-cleanup prod-web-app

  # 6. what a failover would do; without --dry-run it asks, then does it
  openstack protector protection-group failover prod-web-app --dry-run

Each command explains itself with --help. Long tasks show their progress;
Ctrl-C stops watching, not the task. Exit codes: 0 done, 1 failed or refused,
2 usage, 3 --timeout passed, 130 watching stopped by Ctrl-C."""


class Protector(base.Command):
    """Disaster recovery of servers between two sites: commands and a tour"""

    auth_required = False  # type: ignore[assignment]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Takes anything, to be able to say what was meant."""
        parser = super().get_parser(prog_name)
        parser.epilog = overview()
        parser.add_argument(
            "words", nargs="*", metavar="<command>", help=argparse.SUPPRESS
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Print the overview, or what a wrong word could have meant."""
        if parsed_args.words:
            raise failures.UsageError(_unknown(" ".join(parsed_args.words)))
        self.app.stdout.write(f"{overview()}\n")


def commands() -> dict[str, metadata.EntryPoint]:
    """Our commands by what is written after ``openstack protector``."""
    return {
        point.name.replace("_", " ").removeprefix("protector "): point
        for point in metadata.entry_points(group=GROUP)
        if point.name.startswith("protector_")
    }


def overview() -> str:
    """All commands with a line each, by what they are for; then the tour."""
    parts: dict[str, list[str]] = {
        heading: [] for heading in (_SITES, _GROUPS, _SET, _MOVES, _WATCH)
    }
    for name, point in sorted(commands().items()):
        line = (point.load().__doc__ or "").strip().splitlines()[0].rstrip(".")
        parts[_heading(name)].append(f"  {name:40} {line}")
    blocks = [
        "\n".join([f"{heading}:", *lines]) for heading, lines in parts.items()
    ]
    blocks.insert(0, "Commands, each after 'openstack protector':")
    return "\n\n".join([*blocks, TOUR])


def _heading(name: str) -> str:
    noun, _, verb = name.partition(" ")
    if noun in ("site", "tenant-mapping"):
        return _SITES
    if noun != "protection-group" or verb.startswith(_WATCH_WORDS):
        return _WATCH
    if verb.startswith(_SET_WORDS):
        return _SET
    return _MOVES if verb.startswith(_MOVE_WORDS) else _GROUPS


def _unknown(words: str) -> str:
    close = [name for name in sorted(commands()) if name.startswith(words)]
    close = close or difflib.get_close_matches(words, commands(), cutoff=0.5)
    lines = [f"'protector {words}' is no command."]
    if close:
        lines.append("Did you mean one of these?")
        lines += [f"  openstack protector {name}" for name in close]
    return "\n".join([*lines, "'openstack protector' lists all commands."])

# SPDX-License-Identifier: Apache-2.0
"""Commands that move, test and repair protection groups: the verbs."""

from __future__ import annotations

import argparse
from typing import Any

from protectorclient.osc import base, columns, failures, lookup, plans
from protectorclient.osc.v1 import operations, protection_groups


class Verb(base.Waiting, base.Report):
    """A verb on one group: dry run, question, start, watch."""

    #: The key of the request.
    verb = ""
    #: Whether to show the plan and ask on a terminal.
    asks = False

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group and what all verbs take."""
        parser = super().get_parser(prog_name)
        self.add_target(parser)
        self.add_arguments(parser)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help=(
                "Show plan, preflight and predicted duration, change nothing "
                "(exit code 1 if it would be refused)"
            ),
        )
        if self.asks:
            parser.add_argument(
                "--yes",
                action="store_true",
                help="Do not show the plan and ask, even on a terminal",
            )
        base.add_wait_options(parser)
        return parser

    def add_target(self, parser: argparse.ArgumentParser) -> None:
        """What the verb is done to."""
        protection_groups.add_group_argument(parser)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The verb's own options."""

    def arguments(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """The arguments of the verb, as the service takes them."""
        return {}

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Dry run, or the verb itself."""
        group = lookup.group(self.proxy, parsed_args.group)
        args = self.arguments(parsed_args)
        self._title = f"{self.verb.replace('_', ' ')} of {group.name}"
        if parsed_args.dry_run:
            return self._dry_run(group, args)
        self._confirm(group, args, parsed_args)
        operation = self.proxy.run_protection_group(group, self.verb, **args)
        self._plan = None
        if not parsed_args.wait:
            self.say(f"started; to watch it:\n{failures.hint([operation.id])}")
            return operations.show(operation)
        names = {group.id: group.name}
        ended = self.follow([operation], names, parsed_args.timeout)[0]
        return operations.end(self, ended)

    def _dry_run(self, group: Any, args: dict[str, Any]) -> Any:
        self._plan = self.proxy.dry_run_protection_group(
            group, self.verb, **args
        )
        if plans.is_blocked(self._plan):
            self.exit_code = failures.FAILED
        values = [columns.cell(k, v) for k, v in self._plan.items()]
        return tuple(self._plan), values

    def _confirm(
        self,
        group: Any,
        args: dict[str, Any],
        parsed_args: argparse.Namespace,
    ) -> None:
        """Show the plan and ask, if somebody is there to answer."""
        if not self.asks or parsed_args.yes or not self.app.stdin.isatty():
            return
        plan = self.proxy.dry_run_protection_group(group, self.verb, **args)
        self.say(plans.in_words(self._title, plan))
        plans.ask(self.app, f"Start the {self._title}?")

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Any, data: Any
    ) -> int:
        """A dry run as a text, an operation as a table."""
        if self._plan is not None:
            return super().produce_output(parsed_args, column_names, data)
        return super(base.Report, self).produce_output(
            parsed_args, column_names, data
        )

    def report(self, data: dict[str, Any]) -> str:
        """The dry run in words."""
        return plans.in_words(self._title, data)


class Move(Verb):
    """A move of a group."""

    asks = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """How, and to which point."""
        parser.add_argument(
            "--type",
            choices=("planned", "unplanned"),
            default="planned",
            help=(
                "planned: stop there, bring everything, lose nothing "
                "(default); unplanned: the other site is lost, do not ask it"
            ),
        )
        parser.add_argument(
            "--recovery-point",
            metavar="<point>",
            help="Recovery point (ID), or 'parked'. Default: the best one",
        )
        parser.add_argument(
            "--confirm",
            action="store_true",
            help="Move unplanned although the source looks healthy",
        )

    def arguments(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """Type, point, confirmation."""
        args: dict[str, Any] = {"type": parsed_args.type}
        if parsed_args.recovery_point:
            args["recovery_point"] = parsed_args.recovery_point
        if parsed_args.confirm:
            args["confirm"] = True
        return args


class Failback(Move):
    """Bring a failed-over protection group back to where it was made"""

    examples = (
        "prod-web-app --dry-run",
        "prod-web-app",
        "prod-web-app --type unplanned --recovery-point parked",
    )

    verb = "failback"


class TestFailover(Verb):
    """Start a drill: copies of the servers on test networks, apart from all"""

    examples = ("prod-web-app --lease 120",)

    verb = "test_failover"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Point, lease, checks."""
        parser.add_argument(
            "--recovery-point",
            metavar="<point>",
            help="Recovery point (ID). Default: the newest complete one",
        )
        parser.add_argument(
            "--lease",
            metavar="<minutes>",
            type=int,
            help="Clean up by itself after so many minutes",
        )
        parser.add_argument(
            "--check",
            metavar="<check>",
            action="append",
            dest="checks",
            help=(
                "Check to make of each server, beside that it runs: ports, "
                "or console:<text> (repeatable; default: ports)"
            ),
        )

    def arguments(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """What was given."""
        given = {
            "recovery_point": parsed_args.recovery_point,
            "lease_minutes": parsed_args.lease,
            "checks": parsed_args.checks,
        }
        return {k: v for k, v in given.items() if v is not None}


class TestCleanup(Verb):
    """End the drill of a protection group and remove all it made"""

    verb = "test_cleanup"


class Reprotect(Verb):
    """Turn replication round after a move that could not do it"""

    verb = "reprotect"


class Replicate(Verb):
    """Make and replicate a recovery point now"""

    verb = "replicate"


class SourceCleanup(Verb):
    """Remove the parked copies at the site a protection group has left

    The originals go for good, with their volumes: the plan names each. A
    failback then builds the servers anew, with what the live ones hold.
    """

    examples = ("prod-web-app", "prod-web-app --discard-undo --yes")

    verb = "source_cleanup"
    asks = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What is given up."""
        base.add_discard_undo(parser, "the cleanup")

    def arguments(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """Only what was asked for: an older service knows no more."""
        return {"discard_undo": True} if parsed_args.discard_undo else {}


class ResolveSplit(Verb):
    """Decide which of two histories of a protection group is kept"""

    examples = ("prod-web-app --keep-site site-b",)

    verb = "resolve_split"
    asks = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The site whose history is kept."""
        parser.add_argument(
            "--keep-site",
            metavar="<site>",
            required=True,
            help="Site whose copies and history are kept (name or ID)",
        )

    def arguments(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """The site's id."""
        site = self.proxy.find_site(parsed_args.keep_site)
        return {"keep_site_id": site.id}


class Rehome(Verb):
    """Protect a group at another site, after its own was declared lost"""

    examples = ("prod-web-app --secondary-site site-c",)

    verb = "rehome"

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The new site."""
        parser.add_argument(
            "--secondary-site",
            metavar="<site>",
            required=True,
            help="New secondary site (name or ID)",
        )

    def arguments(self, parsed_args: argparse.Namespace) -> dict[str, Any]:
        """The site's id."""
        site = self.proxy.find_site(parsed_args.secondary_site)
        return {"secondary_site_id": site.id}

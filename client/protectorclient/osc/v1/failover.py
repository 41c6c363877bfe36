# SPDX-License-Identifier: Apache-2.0
"""The failover command: one group, or all groups that run at a site."""

from __future__ import annotations

import argparse
from typing import Any

from cliff.formatters import base as formatters

from protectorclient import errors
from protectorclient.osc import columns, failures, plans
from protectorclient.osc.v1 import actions

_TABLE = ("protection_group", "operation", "status", "elapsed", "error")


class Failover(actions.Move):
    """Move a protection group to its other site.

    With --all-from, every group that runs at the site, side by side: one
    operation each, and a table at the end.
    """

    examples = (
        "prod-web-app --dry-run",
        "prod-web-app",
        "prod-web-app --type unplanned",
        "--all-from site-a --type unplanned",
    )

    verb = "failover"
    _rows: list[tuple[Any, ...]] | None = None

    #: Log in by ourselves, to be able to say what to do if this site is dead.
    independent = True

    def add_target(self, parser: argparse.ArgumentParser) -> None:
        """One group, or a site."""
        target = parser.add_mutually_exclusive_group(required=True)
        target.add_argument(
            "group",
            metavar="<group>",
            nargs="?",
            help="Protection group (name or ID)",
        )
        target.add_argument(
            "--all-from",
            metavar="<site>",
            help="All groups that run at this site (name or ID)",
        )
        parser.add_argument(
            "--all-projects",
            action="store_true",
            help="With --all-from: groups of all projects (admin only)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Move, and if this site is dead say how to do it at the other."""
        try:
            if parsed_args.all_from:
                return self._all_from(parsed_args)
            return super().take_action(parsed_args)
        except Exception as error:
            if failures.is_outage(error):
                self.say(self._elsewhere(parsed_args))
            raise

    def _elsewhere(self, parsed_args: argparse.Namespace) -> str:
        """The command for the site that is still there."""
        cloud = self.clouds.second_name or "<cloud of the other site>"
        words = ["openstack", "--os-cloud", cloud]
        words += ["protector", "protection-group", "failover"]
        if parsed_args.all_from:
            words += ["--all-from", parsed_args.all_from]
        else:
            words.append(parsed_args.group)
        if parsed_args.recovery_point:
            words += ["--recovery-point", parsed_args.recovery_point]
        line = " ".join([*words, "--type unplanned"])
        dead = self.clouds.first_name
        return f"{dead} does not answer. At the other site:\n{line}"

    def _all_from(self, parsed_args: argparse.Namespace) -> Any:
        site = self.proxy.find_site(parsed_args.all_from)
        every = {"all_projects": True} if parsed_args.all_projects else {}
        groups = self.proxy.groups_at(site.id, **every)
        if not groups:
            raise failures.UsageError(
                f"no group that you can see runs at {parsed_args.all_from}"
            )
        args = self.arguments(parsed_args)
        self._plan = None
        if parsed_args.dry_run:
            return self._dry_runs(groups, site.id, args)
        self._confirm_all(groups, site.id, args, parsed_args)
        asked = self.proxy.move_groups(groups, site.id, False, **args)
        _raise_outage(asked)
        started = [found.answer for found in asked if found.answer]
        if started and parsed_args.wait:
            started = self._follow_all(started, groups, parsed_args.timeout)
        elif started:
            hints = failures.hint([operation.id for operation in started])
            self.say(f"started; to watch them:\n{hints}")
        return self._closing(asked, started)

    def _follow_all(
        self, started: list[Any], groups: list[Any], timeout: float | None
    ) -> list[Any]:
        """Watch all; what still runs at the deadline is in the table."""
        names = {group.id: group.name for group in groups}
        try:
            return self.follow(started, names, timeout)
        except errors.WaitTimeout:
            latest = [self.proxy.get_operation(op.id) for op in started]
        running = [op.id for op in latest if not op.is_finished]
        if running:
            self._still(running, f"{len(running)} still run.")
            self.exit_code = failures.STILL_RUNNING
        return latest

    def _dry_runs(
        self, groups: list[Any], site_id: str, args: dict[str, Any]
    ) -> Any:
        """What each would do, as a table."""
        head = ("protection_group", "would_be_refused", "preflight")
        self._rows = []
        asked = self.proxy.move_groups(groups, site_id, True, **args)
        _raise_outage(asked)
        for found in asked:
            plan = found.answer
            blocked = plan is None or plans.is_blocked(plan)
            if blocked:
                self.exit_code = failures.FAILED
            told = columns.Checks(
                plan["preflight"] if plan else [{"message": str(found.error)}]
            )
            self._rows.append((found.group.name, blocked, told))
        return head, self._rows

    def _confirm_all(
        self,
        groups: list[Any],
        site_id: str,
        args: dict[str, Any],
        parsed_args: argparse.Namespace,
    ) -> None:
        if parsed_args.yes or not self.app.stdin.isatty():
            return
        for found in self.proxy.move_groups(groups, site_id, True, **args):
            title = f"{self.verb} of {found.group.name}"
            self.say(
                plans.in_words(title, found.answer)
                if found.answer
                else f"{title}: {found.error}"
            )
        plans.ask(self.app, f"Start the failover of {len(groups)} group(s)?")

    def _closing(self, asked: list[Any], ended: list[Any]) -> Any:
        """The closing table: each group once."""
        by_group = {op.protection_group_id: op for op in ended}
        self._rows = []
        for found in asked:
            operation = by_group.get(found.group.id)
            if operation is None:
                nothing = columns.Maybe(None)
                row = (nothing, "refused", nothing, str(found.error))
            else:
                row = (
                    operation.id,
                    operation.status,
                    columns.Lag(operation.elapsed_seconds),
                    columns.Problem(operation.error),
                )
            failed = row[1] in ("refused", "failed", "cancelled")
            if failed and not self.exit_code:
                self.exit_code = failures.FAILED
            self._rows.append((found.group.name, *row))
        return _TABLE, self._rows

    def produce_output(
        self, parsed_args: argparse.Namespace, column_names: Any, data: Any
    ) -> int:
        """A list if there are many, else what the base shows."""
        if self._rows is None:
            return super().produce_output(parsed_args, column_names, data)
        if not isinstance(self.formatter, formatters.ListFormatter):
            raise failures.UsageError(
                f"-f {parsed_args.formatter} shows one thing; take another "
                "format with --all-from"
            )
        shown, selector = self._generate_columns_and_selector(
            parsed_args, column_names
        )
        rows = data
        if selector:
            rows = [self._compress_iterable(row, selector) for row in data]
        self.formatter.emit_list(shown, rows, self.app.stdout, parsed_args)
        return 0


def _raise_outage(asked: list[Any]) -> None:
    """Nobody answered for any group: that is no refusal of each."""
    problems = [found.error for found in asked]
    if all(error and failures.is_outage(error) for error in problems):
        raise problems[0]

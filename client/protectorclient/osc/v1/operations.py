# SPDX-License-Identifier: Apache-2.0
"""Commands for operations."""

from __future__ import annotations

import argparse
from typing import Any

from protectorclient import errors
from protectorclient.osc import base, columns, failures, lookup, reports

FIELDS = (
    "id",
    "protection_group_id",
    "kind",
    "type",
    "status",
    "outcome",
    "progress",
    "remaining_seconds",
    "started_at",
    "finished_at",
    "error",
    "steps",
)
LIST = (
    "id",
    "kind",
    "protection_group",
    "status",
    "progress",
    "started_at",
    "error",
)


def add_operation_argument(parser: argparse.ArgumentParser) -> None:
    """The operation a command is about."""
    parser.add_argument(
        "operation",
        metavar="<operation>",
        help="Operation (ID), or a protection group for its newest one",
    )


def show(operation: Any) -> Any:
    """The fields of an operation."""
    return columns.fields(operation, FIELDS)


def end(command: Any, operation: Any) -> Any:
    """Fields and exit code of an operation that was watched."""
    if operation.is_finished and operation.status != "completed":
        command.exit_code = failures.FAILED
        error = operation.error or {}
        command.say(
            f"{operation.status}: {error.get('message') or ''} "
            f"{error.get('remedy') or ''}".strip()
        )
        if "retry" in (operation.allowed_actions or []):
            command.say(
                f"To go on: openstack protector operation retry {operation.id}"
            )
        for refused in (operation.refused_actions or {}).values():
            command.say(refused["message"])
    return show(operation)


class ListOperation(base.Lister):
    """List operations, the newest first"""

    either_site = True

    examples = (
        "--protection-group prod-web-app",
        "--status failed --limit 10",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Filters."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--protection-group",
            metavar="<group>",
            help="Only operations of this group (name or ID)",
        )
        parser.add_argument(
            "--kind",
            metavar="<kind>",
            help="Only this kind, such as failover or member_add",
        )
        parser.add_argument(
            "--status",
            metavar="<status>",
            help=(
                "Only this status: pending, running, completed, failed or "
                "cancelled"
            ),
        )
        parser.add_argument(
            "--all-projects",
            action="store_true",
            help="Operations of all projects (admin only)",
        )
        parser.add_argument(
            "--limit",
            metavar="<number>",
            type=int,
            default=100,
            help="Not more than so many (default: 100)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """One line each; with two sites each operation once."""
        said = self.clouds.both(lambda proxy: _rows(proxy, parsed_args))
        rows: dict[str, tuple[Any, ...]] = {}
        for answer in said:
            for row in answer.value or []:
                # the mirror at the other site adds nothing to what is known
                rows.setdefault(row[0], row)
        return LIST, list(rows.values())


def _rows(
    proxy: Any, parsed_args: argparse.Namespace
) -> list[tuple[Any, ...]]:
    query: dict[str, Any] = {"sort_key": "created_at", "sort_dir": "desc"}
    names: dict[str, str] = {}
    if parsed_args.protection_group:
        group = lookup.group(proxy, parsed_args.protection_group)
        query["protection_group_id"] = group.id
        names[group.id] = group.name
    if parsed_args.all_projects:
        query["all_projects"] = True
    for key in ("kind", "status"):
        if getattr(parsed_args, key):
            query[key] = getattr(parsed_args, key)
    found = list(
        proxy.operations(
            limit=parsed_args.limit, max_items=parsed_args.limit, **query
        )
    )
    if found and not names:
        every = {"all_projects": True} if parsed_args.all_projects else {}
        names = {g.id: g.name for g in proxy.protection_groups(**every)}
    return [_row(operation, names) for operation in found]


def _row(operation: Any, names: dict[str, str]) -> tuple[Any, ...]:
    group = operation.protection_group_id
    return (
        operation.id,
        operation.kind,
        names.get(group, group),
        operation.status,
        operation.progress,
        columns.Maybe(operation.started_at),
        columns.Problem(operation.error),
    )


class ShowOperation(base.ShowOne):
    """Show an operation and its steps"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The operation."""
        parser = super().get_parser(prog_name)
        add_operation_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Show; with a second cloud also how far that site knows it."""
        said = self.clouds.both(
            lambda proxy: lookup.operation(proxy, parsed_args.operation)
        )
        answers = [answer for answer in said if answer.error is None]
        names, values = show(answers[0].value)
        for other in answers[1:]:
            at_other = {k: other.value[k] for k in ("status", "progress")}
            names += (f"at {other.cloud}",)
            values += (columns.Structure(at_other),)
        return names, values


class WatchOperation(base.Waiting, base.ShowOne):
    """Watch an operation until it has ended.

    The exit code is 0 if it completed, 1 if it failed or was cancelled, 3 if
    the timeout passed first. Ctrl-C stops watching, not the operation.
    """

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The operation."""
        parser = super().get_parser(prog_name)
        add_operation_argument(parser)
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Attach to it."""
        operation, name = self.clouds.either(
            lambda proxy: _with_name(proxy, parsed_args.operation)
        )
        if not operation.is_finished:
            operation = self.follow(
                [operation], base.Names(name), parsed_args.timeout
            )[0]
        return end(self, operation)


def _with_name(proxy: Any, ref: str, **query: Any) -> tuple[Any, str]:
    operation = lookup.operation(proxy, ref, **query)
    group_id = operation.protection_group_id
    found = group_id and proxy.find_protection_group(
        group_id, ignore_missing=True
    )
    return operation, found.name if found else ""


def _with_known(
    proxy: Any, ref: str, **query: Any
) -> tuple[Any, reports.Known]:
    operation, group = _with_name(proxy, ref, **query)
    user = operation.user_id and lookup.user_name(proxy, operation.user_id)
    return operation, reports.Known(group, lookup.site_names(proxy), user)


class ReportOperation(base.Command):
    """Print a report of an operation, for a ticket or an auditor"""

    either_site = True

    examples = (
        "prod-web-app",
        "prod-web-app --kind test_failover -f html",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The operation and the form of the report."""
        parser = super().get_parser(prog_name)
        add_operation_argument(parser)
        parser.add_argument(
            "-f",
            "--format",
            choices=tuple(reports.FORMATS),
            default="markdown",
            help="Form of the report (default: markdown)",
        )
        parser.add_argument(
            "--kind",
            metavar="<kind>",
            help=(
                "Of a group's operations the newest of this kind, such as "
                "test_failover for its last drill"
            ),
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Print it on stdout."""
        query = {"kind": parsed_args.kind} if parsed_args.kind else {}
        operation, known = self.clouds.either(
            lambda proxy: _with_known(proxy, parsed_args.operation, **query)
        )
        make = reports.FORMATS[parsed_args.format]
        self.app.stdout.write(make(operation, known))


class RetryOperation(base.Waiting, base.ShowOne):
    """Let a failed operation go on where it stopped"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The operation."""
        parser = super().get_parser(prog_name)
        add_operation_argument(parser)
        base.add_wait_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Retry and watch."""
        operation, name = _with_name(self.proxy, parsed_args.operation)
        operation = self.proxy.retry_operation(operation)
        if parsed_args.wait and not operation.is_finished:
            operation = self.follow(
                [operation], base.Names(name), parsed_args.timeout
            )[0]
        return end(self, operation)


class SkipOperationStep(base.ShowOne):
    """Leave out an optional step that has not ended"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The operation and the step."""
        parser = super().get_parser(prog_name)
        add_operation_argument(parser)
        parser.add_argument(
            "step", metavar="<step>", help="Step (ID, or its name)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Skip it."""
        operation = lookup.operation(self.proxy, parsed_args.operation)
        step = _step_id(operation, parsed_args.step)
        return show(self.proxy.skip_operation_step(operation, step))


class CancelOperation(base.ShowOne):
    """Stop an operation, as long as it can be stopped"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The operation."""
        parser = super().get_parser(prog_name)
        add_operation_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Cancel it."""
        operation = lookup.operation(self.proxy, parsed_args.operation)
        return show(self.proxy.cancel_operation(operation))


def _step_id(operation: Any, ref: str) -> str:
    """The step's id by its id or its name."""
    steps = operation.steps or []
    if any(step.get("id") == ref for step in steps):
        return ref
    ids = [step["id"] for step in steps if step.get("name") == ref]
    if not ids:
        raise errors.NoSuchResource("step", ref)
    if len(ids) > 1:
        raise errors.AmbiguousName("step", ref, ids)
    return str(ids[0])

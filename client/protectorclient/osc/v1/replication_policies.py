# SPDX-License-Identifier: Apache-2.0
"""Commands for the replication policy of a protection group."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from osc_lib import exceptions

from protectorclient import errors
from protectorclient.osc import base, columns, failures, lookup
from protectorclient.osc.v1 import protection_groups

FIELDS = (
    "replication_interval_minutes",
    "rpo_minutes",
    "retention",
    "prestage",
    "undo_retention_days",
)
_TOKENS = ("primary_fa_api_token", "secondary_fa_api_token")
_NUMBERS = (
    ("replication_interval_minutes", "interval", "minutes"),
    ("rpo_minutes", "rpo", "minutes"),
    ("undo_retention_days", "undo-retention", "days"),
)
_RETENTION = (
    ("all_for_hours", "Keep every point for so many hours"),
    ("per_day", "After that keep so many points of each day"),
    ("days", "for so many days"),
)


class ShowReplicationPolicy(base.ShowOne):
    """Show the replication policy of a protection group"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """All fields but the tokens, which are never read."""

        def ask(proxy: Any) -> Any:
            group = lookup.group(proxy, parsed_args.group)
            return proxy.get_replication_policy(group)

        try:
            policy = self.clouds.either(ask)
        except errors.NotFound as none:
            raise exceptions.CommandError(
                f"{none}\nTo set one: openstack protector protection-group "
                f"policy-set {parsed_args.group} --interval <minutes>"
            ) from none
        return columns.fields(policy, FIELDS, ("id", *_TOKENS))


class SetReplicationPolicy(base.Waiting, base.ShowOne):
    """Set how often a protection group replicates and what is kept"""

    examples = (
        "prod-web-app --interval 15 --rpo 30",
        "prod-web-app --retention-all-for-hours 24 "
        "--retention-per-day 4 --retention-days 7",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group and the settings."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        for field, option, unit in _NUMBERS:
            parser.add_argument(
                f"--{option}",
                dest=field,
                metavar=f"<{unit}>",
                type=int,
                help=f"{field.replace('_', ' ')}".capitalize(),
            )
        for field, text in _RETENTION:
            parser.add_argument(
                f"--retention-{field.replace('_', '-')}",
                dest=f"retention_{field}",
                metavar="<number>",
                type=int,
                help=text,
            )
        parser.add_argument(
            "--prestage",
            action=argparse.BooleanOptionalAction,
            help="Make the copies at the other site before they are needed",
        )
        _add_array_options(parser)
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Set, wait if the service needs time, show."""
        attrs = _attributes(parsed_args)
        if not attrs:
            raise failures.UsageError("give at least one setting")
        group = lookup.group(self.proxy, parsed_args.group)
        policy = self.proxy.set_replication_policy(group, **attrs)
        self.finish(policy, group.name, parsed_args)
        policy = self.proxy.get_replication_policy(group)
        return columns.fields(policy, FIELDS, ("id", *_TOKENS))


class DeleteReplicationPolicy(base.Waiting, base.Command):
    """Let a protection group replicate by the defaults of the service"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete; wait if the service needs time."""
        group = lookup.group(self.proxy, parsed_args.group)
        gone = self.proxy.delete_replication_policy(
            group, ignore_missing=False
        )
        self.finish(gone, group.name, parsed_args)


def _add_array_options(parser: argparse.ArgumentParser) -> None:
    arrays = parser.add_argument_group(
        "arrays", "overrides for the site that answers (admin only)"
    )
    arrays.add_argument(
        "--pure-pg-name", metavar="<name>", help="Array group to use"
    )
    for which in ("primary", "secondary"):
        arrays.add_argument(
            f"--{which}-fa-url",
            metavar="<url>",
            help=f"Array of the {which} site",
        )
        arrays.add_argument(
            f"--{which}-fa-api-token",
            metavar="<token>",
            help=f"Its API token; '-' asks for it ({which} site)",
        )


def _attributes(parsed_args: argparse.Namespace) -> dict[str, Any]:
    """What was given on the command line."""
    names = [field for field, _, _ in _NUMBERS]
    names += ["prestage", "pure_pg_name", "primary_fa_url"]
    names += ["secondary_fa_url", *_TOKENS]
    given = {name: getattr(parsed_args, name) for name in names}
    for token in _TOKENS:
        if given[token] == "-":
            given[token] = getpass.getpass(f"{token}: ")
    given["retention"] = {
        field: value
        for field, _ in _RETENTION
        if (value := getattr(parsed_args, f"retention_{field}")) is not None
    } or None
    return {key: value for key, value in given.items() if value is not None}

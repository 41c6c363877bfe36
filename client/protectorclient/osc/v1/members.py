# SPDX-License-Identifier: Apache-2.0
"""Commands for the members of a protection group."""

from __future__ import annotations

import argparse
from typing import Any

from protectorclient.osc import base, columns, lookup
from protectorclient.osc.v1 import protection_groups

FIELDS = (
    "id",
    "protection_group_id",
    "instance_id",
    "instance_name",
    "status",
    "volumes_added",
)
_WRITE_ONLY = ("volume_ids",)


def _add_member_argument(parser: argparse.ArgumentParser) -> None:
    protection_groups.add_group_argument(parser)
    parser.add_argument(
        "member",
        metavar="<member>",
        help="Member (ID, or its server's name or ID)",
    )


class AddMember(base.Waiting, base.ShowOne):
    """Protect a server and wait until it is protected"""

    examples = ("prod-web-app --instance-id web-server-1",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group, the server, its volumes."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        parser.add_argument(
            "--instance-id",
            metavar="<server>",
            required=True,
            help="Server to protect (name or ID)",
        )
        parser.add_argument(
            "--volume-id",
            metavar="<volume-id>",
            action="append",
            dest="volume_ids",
            help=(
                "Protect only this volume of the server (repeat for more; "
                "the boot volume must be among them). Default: all"
            ),
        )
        base.add_wait_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Add, wait, show."""
        group = lookup.group(self.proxy, parsed_args.group)
        server = lookup.server_id(self.clouds.first(), parsed_args.instance_id)
        member = self.proxy.add_member(group, server, parsed_args.volume_ids)
        self.finish(member, group.name, parsed_args)
        member = self.proxy.get_member(group, member.id)
        for warning in member.warnings or []:
            self.say(f"warning: {columns.Structure([warning])}")
        return columns.fields(member, FIELDS, _WRITE_ONLY, more=False)


class ListMember(base.Lister):
    """List the members of a protection group"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """The documented columns."""

        def ask(proxy: Any) -> list[tuple[Any, ...]]:
            group = lookup.group(proxy, parsed_args.group)
            return [_row(member) for member in proxy.members(group)]

        names = ("id", "instance_name", "status", "volumes")
        return names, self.clouds.either(ask)


def _row(member: Any) -> tuple[Any, ...]:
    volumes = member.volumes_added
    if volumes is None:
        volumes = len(member.volumes or [])
    return member.id, member.instance_name, member.status, volumes


class ShowMember(base.ShowOne):
    """Show a member of a protection group"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group and the member."""
        parser = super().get_parser(prog_name)
        _add_member_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """All fields."""

        def ask(proxy: Any) -> Any:
            group = lookup.group(proxy, parsed_args.group)
            found = proxy.find_member(group, parsed_args.member)
            return proxy.get_member(group, found.id)

        member = self.clouds.either(ask)
        return columns.fields(member, FIELDS, _WRITE_ONLY)


class RemoveMember(base.Waiting, base.Command):
    """Stop protecting a server; the server and its volumes stay"""

    examples = (
        "prod-web-app web-server-1",
        "prod-web-app web-server-1 --discard-undo",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group and the member."""
        parser = super().get_parser(prog_name)
        _add_member_argument(parser)
        base.add_discard_undo(parser, "the removal")
        base.add_wait_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Remove; wait if the service needs time."""
        group = lookup.group(self.proxy, parsed_args.group)
        member = self.proxy.find_member(group, parsed_args.member)
        gone = self.proxy.remove_member(
            group,
            member.id,
            ignore_missing=False,
            discard_undo=parsed_args.discard_undo,
        )
        self.finish(gone, group.name, parsed_args)

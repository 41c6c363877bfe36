# SPDX-License-Identifier: Apache-2.0
"""Commands for what becomes what at the other site."""

from __future__ import annotations

import argparse
from typing import Any

import yaml

from protectorclient.osc import base, columns, failures, lookup
from protectorclient.osc.v1 import protection_groups
from protectorclient.v1 import resource_mappings

FIELDS = resource_mappings.FIELDS
_OPTIONS = {
    "networks": "--network",
    "flavors": "--flavor",
    "security_groups": "--security-group",
    "keypairs": "--keypair",
    "availability_zones": "--availability-zone",
}


class _Shown(base.ShowOne):
    """Shows mappings."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        return parser

    @staticmethod
    def show(mappings: Any) -> Any:
        """The pairs, then what else the service says."""
        return columns.fields(mappings, FIELDS, ("id",))


class ShowResourceMappings(_Shown):
    """Show what becomes what at the other site"""

    either_site = True

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """The mappings in force."""

        def ask(proxy: Any) -> Any:
            group = lookup.group(proxy, parsed_args.group)
            return proxy.get_resource_mappings(group)

        return self.show(self.clouds.either(ask))


class ProposeResourceMappings(base.Waiting, _Shown):
    """Let the service propose mappings from what both clouds have"""

    examples = (
        "prod-web-app",
        "prod-web-app --apply",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group, and whether to take the proposal."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--apply",
            action="store_true",
            help="Set the proposal in the place of the present mappings",
        )
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Propose, and set if told to."""
        group = lookup.group(self.proxy, parsed_args.group)
        proposal = self.proxy.propose_resource_mappings(group)
        if not parsed_args.apply:
            return self.show(proposal)
        changed = self.proxy.set_resource_mappings(
            group, **_document(proposal)
        )
        self.finish(changed, group.name, parsed_args)
        return self.show(self.proxy.get_resource_mappings(group))


class SetResourceMappings(base.Waiting, _Shown):
    """Set what becomes what at the other site.

    Pairs given are added to the present mappings, in the place of those with
    the same left side. Left is what it is at the group's primary site, right
    at the secondary one; names or IDs.
    """

    examples = (
        "prod-web-app --network web-net=dr-web-net --flavor m1.large=dr.large",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group and the pairs."""
        parser = super().get_parser(prog_name)
        for field, option in _OPTIONS.items():
            parser.add_argument(
                option,
                metavar="<primary>=<secondary>",
                dest=field,
                action="append",
                type=_pair,
                default=[],
                help=f"A pair of {field.replace('_', ' ')} (repeatable)",
            )
        parser.add_argument(
            "--test-network",
            metavar="<primary>=<network>",
            dest="test_networks",
            action="append",
            type=_pair,
            default=[],
            help=(
                "Network at the secondary site for drills, in the place of "
                "this network (repeatable)"
            ),
        )
        parser.add_argument(
            "--file",
            metavar="<file>",
            type=argparse.FileType(),
            help="Mappings as YAML or JSON, as 'mapping-show -f yaml' prints",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="Begin with nothing instead of the present mappings",
        )
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Put together, set, show."""
        group = lookup.group(self.proxy, parsed_args.group)
        document: dict[str, Any] = {}
        if not parsed_args.replace:
            document = _document(self.proxy.get_resource_mappings(group))
        if parsed_args.file:
            document.update(_loaded(parsed_args.file))
        for field in _OPTIONS:
            for left, right in getattr(parsed_args, field):
                _put(document, field, left, "secondary", right)
        for left, right in parsed_args.test_networks:
            _put(document, "networks", left, "secondary_test", right)
        changed = self.proxy.set_resource_mappings(group, **document)
        self.finish(changed, group.name, parsed_args)
        return self.show(self.proxy.get_resource_mappings(group))


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    if not (left and equals and right):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not <primary>=<secondary>"
        )
    return left, right


def _put(
    document: dict[str, Any], field: str, left: str, key: str, right: str
) -> None:
    """Set one value of the row whose left side is given."""
    rows = document.setdefault(field, [])
    for row in rows:
        if row.get("primary") == left:
            row[key] = right
            return
    rows.append({"primary": left, key: right})


def _document(mappings: Any) -> dict[str, Any]:
    """The fields that a PUT takes."""
    return {
        field: [dict(row) for row in mappings[field]]
        for field in FIELDS
        if mappings[field]
    }


def _loaded(file: Any) -> dict[str, Any]:
    """The mappings of a file, refused where a field is not one of ours."""
    with file:
        content = yaml.safe_load(file)
    if not isinstance(content, dict):
        raise failures.UsageError("the file holds no mappings")
    content = content.get("mappings", content)
    unknown = sorted(set(content) - set(FIELDS))
    if unknown:
        raise failures.UsageError(
            f"the file has {', '.join(unknown)}; known are {', '.join(FIELDS)}"
        )
    return {key: value for key, value in content.items() if value}

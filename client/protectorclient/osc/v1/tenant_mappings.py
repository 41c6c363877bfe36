# SPDX-License-Identifier: Apache-2.0
"""Commands for the pairs of projects."""

from __future__ import annotations

import argparse
from typing import Any

from protectorclient.osc import base, columns, lookup

FIELDS = ("id", "local_project_id", "remote_site_id", "remote_project_id")


class CreateTenantMapping(base.ShowOne):
    """Pair a project here with one at another site (admin only)"""

    examples = (
        "--local-project production --remote-site site-b "
        "--remote-project 1f0e8b6c2d5a4e7f9a3b8c6d0e2f4a1b",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The two projects and the site."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--local-project",
            metavar="<project>",
            required=True,
            help="Project here (name or ID)",
        )
        parser.add_argument(
            "--remote-site",
            metavar="<site>",
            required=True,
            help="The other site (name or ID)",
        )
        parser.add_argument(
            "--remote-project",
            metavar="<project>",
            required=True,
            help="Project there (ID; with --secondary-cloud also its name)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Create and show."""
        site = self.proxy.find_site(parsed_args.remote_site)
        made = self.proxy.create_tenant_mapping(
            local_project_id=lookup.project_id(
                self.clouds.first(), parsed_args.local_project
            ),
            remote_site_id=site.id,
            remote_project_id=lookup.remote_project_id(
                self.clouds, parsed_args.remote_project
            ),
        )
        return columns.fields(made, FIELDS)


class ListTenantMapping(base.Lister):
    """List the pairs of projects (admin only)"""

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """All of them."""
        rows = self.proxy.tenant_mappings()
        return FIELDS, [tuple(row[name] for name in FIELDS) for row in rows]


class ShowTenantMapping(base.ShowOne):
    """Show a pair of projects (admin only)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The pair."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "mapping", metavar="<mapping-id>", help="Tenant mapping (ID)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Show it."""
        found = self.proxy.get_tenant_mapping(parsed_args.mapping)
        return columns.fields(found, FIELDS)


class DeleteTenantMapping(base.Command):
    """Delete a pair of projects (admin only)"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The pairs."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "mapping",
            metavar="<mapping-id>",
            nargs="+",
            help="Tenant mapping(s) to delete (ID)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete them."""
        for mapping in parsed_args.mapping:
            self.proxy.delete_tenant_mapping(mapping, ignore_missing=False)

# SPDX-License-Identifier: Apache-2.0
"""Command for the consistency group of a protection group."""

from __future__ import annotations

import argparse
from typing import Any

from protectorclient.osc import base, columns, lookup
from protectorclient.osc.v1 import protection_groups

FIELDS = (
    "id",
    "protection_group_id",
    "name",
    "volume_type_id",
    "volume_type_name",
    "backend_name",
    "primary_cg_id",
    "secondary_cg_id",
    "status",
    "volume_count",
)


class ShowConsistencyGroup(base.ShowOne):
    """Show the consistency group of a protection group"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """The documented fields, then the others."""

        def ask(proxy: Any) -> Any:
            group = lookup.group(proxy, parsed_args.group)
            return proxy.get_consistency_group(group)

        return columns.fields(self.clouds.either(ask), FIELDS)

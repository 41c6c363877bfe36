# SPDX-License-Identifier: Apache-2.0
"""Command for the health of the service."""

from __future__ import annotations

import argparse
from typing import Any

from protectorclient.osc import base, overview

FIELDS = ("ok", "api", "engines", "database", "bus", "sites", "arrays")


class ShowHealth(base.ShowOne):
    """Show the health of the service (admin only)"""

    either_site = True

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Both sites' health, if two are configured."""
        said = self.clouds.both(lambda proxy: proxy.health())
        return overview.side_by_side(said, FIELDS, parsed_args.formatter)

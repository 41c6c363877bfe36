# SPDX-License-Identifier: Apache-2.0
"""The command that makes two sites know each other."""

from __future__ import annotations

import argparse
from collections.abc import Callable
import getpass
from typing import Any

from protectorclient.osc import base, pairing
from protectorclient.osc.v1 import sites


class PairSite(base.Lister):
    """Register two sites with each other and check both ways (admin only).

    This cloud and the peer's are entries of clouds.yaml with admin rights.
    Each site stores a service account of the other. It is taken from the
    options, else from protector_service_username and
    protector_service_password of the entry in clouds.yaml, else from
    OS_PROTECTOR_SERVICE_USERNAME and OS_PROTECTOR_SERVICE_PASSWORD; on a
    terminal a missing password is asked for. May be run again.
    """

    examples = ("--peer-cloud site-b-admin --service-username protector",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The peer and the accounts."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--peer-cloud",
            metavar="<cloud>",
            required=True,
            help="Cloud of the other site in clouds.yaml (admin)",
        )
        pairing.add_account_options(
            parser, "service", "service account at both sites"
        )
        pairing.add_account_options(
            parser, "peer-service", "service account at the peer, if different"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Register both ways, validate both ways, report."""
        here = self.clouds.first()
        there = self.clouds.open(parsed_args.peer_cloud)
        ask = self._asker()
        at_there = pairing.account(
            parsed_args.peer_cloud,
            there.config.config,
            parsed_args,
            ("peer_service", "service"),
            ask,
        )
        at_here = pairing.account(
            self.clouds.first_name,
            here.config.config,
            parsed_args,
            ("service",),
            ask,
        )
        peer_id = pairing.register(here, there, at_there)
        local_id = pairing.register(there, here, at_here)
        rows = self._validated(here, peer_id)
        return sites.CHECKS, rows + self._validated(there, local_id)

    def _asker(self) -> Callable[[str], str] | None:
        return getpass.getpass if self.app.stdin.isatty() else None

    def _validated(self, conn: Any, site_id: str) -> list[tuple[Any, ...]]:
        site = conn.protector.get_site(site_id)
        checks = conn.protector.validate_site(site_id)
        return sites.check_rows(self, site.name, checks)

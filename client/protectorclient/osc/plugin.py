# SPDX-License-Identifier: Apache-2.0
"""What OpenStackClient loads at each start: options and the client.

It is imported for every ``openstack`` command of any service, so it must not
import any other module of ours, or anything slow.
"""

from __future__ import annotations

import argparse
import pkgutil
from typing import Any

from osc_lib import utils

DEFAULT_API_VERSION = "1"
API_VERSION_OPTION = "os_protector_api_version"
API_NAME = "protector"
#: "1" is the major version with the microversion this client was written
#: for; the others pin one.
API_VERSIONS = dict.fromkeys(("1", "1.0", "1.1", "1.2"), "protectorclient")


def make_client(instance: Any) -> Any:
    """The proxy, for ``client_manager.protector``.

    :param instance: OpenStackClient's client manager
    """
    pkgutil.resolve_name("protectorclient.sdk:load")(instance.sdk_connection)
    return instance.sdk_connection.protector


def build_option_parser(
    parser: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """Add the plugin's global options."""
    parser.add_argument(
        "--os-protector-api-version",
        metavar="<protector-api-version>",
        default=utils.env("OS_PROTECTOR_API_VERSION"),
        help=(
            f"Protector API version, default={DEFAULT_API_VERSION} "
            "(Env: OS_PROTECTOR_API_VERSION)"
        ),
    )
    parser.add_argument(
        "--secondary-cloud",
        metavar="<cloud-config-name>",
        dest="secondary_cloud",
        default=utils.env("OS_SECONDARY_CLOUD"),
        help=(
            "Cloud in clouds.yaml of the other Protector site: show, health, "
            "sync-status and operation commands show both sites, and fall "
            "back to it when the first does not answer "
            "(Env: OS_SECONDARY_CLOUD)"
        ),
    )
    return parser

# SPDX-License-Identifier: Apache-2.0
"""Registers the service ``protector`` with an openstacksdk connection.

In a program::

    conn = openstack.connect(cloud="site-a")
    sdk.load(conn)
    for group in conn.protector.protection_groups(): ...

or once and for all in ``clouds.yaml``::

    clouds:
      site-a:
        vendor_hook: "protectorclient.sdk:load"
"""

from __future__ import annotations

from openstack import connection, service_description

from protectorclient.v1 import _proxy

SERVICE_TYPE = "protector"


class ProtectorService(service_description.ServiceDescription):
    """Where the service is found, and which proxy serves which version."""

    service_type = SERVICE_TYPE
    supported_versions = {"1": _proxy.Proxy}


def load(conn: connection.Connection) -> None:
    """Give a connection the attribute ``protector``.

    :param conn: an openstacksdk connection; loading twice does no harm
    """
    conn.add_service(ProtectorService(service_type=SERVICE_TYPE))

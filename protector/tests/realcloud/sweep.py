# SPDX-License-Identifier: Apache-2.0
"""Takes away what a failed test left at a cloud.

Only what was not there before, by the inventory that was taken then.
"""

from collections.abc import Callable
import contextlib
import functools

from openstack import connection, exceptions

from protector.tests.realcloud import inventory, processes

GONE_SECONDS = 180


def sweep(
    admin: connection.Connection,
    tenant: connection.Connection,
    before: inventory.Inventory,
) -> None:
    """Delete all that came since ``before``, in the order that works."""
    for kind, remove in _ways(admin, tenant).items():
        left = functools.partial(_left, tenant, before, kind)
        for key in left() or ():
            with contextlib.suppress(exceptions.NotFoundException):
                remove(key)
        processes.wait_until(
            lambda left=left: left() == [],
            GONE_SECONDS,
            pause=1,
            told=lambda kind=kind: f"a {kind} does not go",
        )


def _left(
    tenant: connection.Connection, before: inventory.Inventory, kind: str
) -> list[str] | None:
    """Ids of a kind that are to go; None while Cinder cannot say: it fails
    to list the volumes of a group that goes at that moment."""
    try:
        found = inventory.added(before, inventory.take(tenant))
    except exceptions.NotFoundException:
        return None
    return list(found.get(kind, {}))


def _ways(
    admin: connection.Connection, tenant: connection.Connection
) -> dict[str, Callable[[str], object]]:
    """How to delete each kind, in order.

    Servers as an admin: a lock of Protector's does not hold that one up.
    """
    storage, network = tenant.block_storage, tenant.network
    return {
        "server": admin.compute.delete_server,
        "floating IP": network.delete_ip,
        "port": network.delete_port,
        "group snapshot": storage.delete_group_snapshot,
        "volume group": lambda key: storage.delete_group(
            key, delete_volumes=True
        ),
        "volume snapshot": storage.delete_snapshot,
        "volume": storage.delete_volume,
        "security group": network.delete_security_group,
        "server group": tenant.compute.delete_server_group,
    }

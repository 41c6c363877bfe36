# SPDX-License-Identifier: Apache-2.0
"""What a tenant has at a cloud, to see afterwards that nothing was left."""

from collections.abc import Callable, Iterable
import functools
from typing import Any

from openstack import connection

Inventory = dict[str, dict[str, str]]
"""Kind to id to name."""


def take(tenant: connection.Connection) -> Inventory:
    """Everything in the tenant's project that Protector could make there."""
    project_id = tenant.current_project_id
    mine: Callable[..., Iterable[Any]]
    kinds = {
        "server": tenant.compute.servers,
        "server group": tenant.compute.server_groups,
        "volume": tenant.block_storage.volumes,
        "volume snapshot": tenant.block_storage.snapshots,
        "volume group": tenant.block_storage.groups,
        "group snapshot": tenant.block_storage.group_snapshots,
    }
    network = {
        "port": tenant.network.ports,
        "security group": tenant.network.security_groups,
        "floating IP": tenant.network.ips,
    }
    for kind, mine in network.items():
        kinds[kind] = functools.partial(mine, project_id=project_id)
    return {kind: _named(rows()) for kind, rows in kinds.items()}


def _named(rows: Iterable[Any]) -> dict[str, str]:
    return {row.id: row.name for row in rows}


def added(before: Inventory, after: Inventory) -> Inventory:
    """What there is more of, by kind; kinds without any are left out."""
    return _more(before, after)


def removed(before: Inventory, after: Inventory) -> Inventory:
    """What there is less of."""
    return _more(after, before)


def _more(less: Inventory, more: Inventory) -> Inventory:
    found = {
        kind: {
            key: name for key, name in rows.items() if key not in less[kind]
        }
        for kind, rows in more.items()
    }
    return {kind: rows for kind, rows in found.items() if rows}

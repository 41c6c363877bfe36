# SPDX-License-Identifier: Apache-2.0
"""What the parts of the emulated Nova share: tables, host, look-ups."""

import collections.abc
import typing

from protector.sandbox.cloud import context, store, wsgi
from protector.sandbox.cloud.nova import refusals

ZONE = "nova"


class State:
    """One cloud's Nova."""

    def __init__(self, cloud: context.Cloud) -> None:
        self.cloud = cloud
        self.lock = cloud.store.lock
        table = cloud.store.table
        self.servers = table("compute.servers")
        self.deleted = table("compute.deleted_servers")
        self.actions = table("compute.actions")
        self.flavors = table("compute.flavors")
        self.keypairs = table("compute.keypairs")
        self.server_groups = table("compute.server_groups")
        self.quotas = table("compute.quotas")

    @property
    def host(self) -> str:
        """The one compute node, ``site-a-compute``."""
        return f"{self.cloud.site}-compute"

    @property
    def cinder(self) -> typing.Any:
        """The emulated Cinder of this cloud."""
        return self.cloud.service("volume")

    @property
    def neutron(self) -> typing.Any:
        """The emulated Neutron of this cloud."""
        return self.cloud.service("network")

    def now(self) -> str:
        """Return the time as Nova prints it."""
        return self.cloud.clock.zulu()

    def server(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a server that the caller may see.

        :raises NotFound: none, or another project's.
        """
        return self._own(request, self.servers.get(key), key)

    def any_server(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a server, also a deleted one, that the caller may see.

        :raises NotFound: none, or another project's.
        """
        row = self.servers.get(key) or self.deleted.get(key)
        return self._own(request, row, key)

    def touch(self, key: str, **changes: typing.Any) -> store.Document:
        """Change a server and its ``updated``.

        :raises KeyError: it is gone.
        """
        return self.servers.update(key, updated=self.now(), **changes)

    def change_mapping(
        self, key: str, volume_id: str, **changes: typing.Any
    ) -> None:
        """Change the block device mapping of one volume of a server."""
        with self.lock:
            row = self.servers.get(key)
            if row is None:
                return
            for item in row["bdms"]:
                if item["volume_id"] == volume_id:
                    item.update(changes)
            self.servers.put(row)

    def _own(
        self, request: wsgi.Request, row: store.Document | None, key: str
    ) -> store.Document:
        if row is None or not (
            request.is_admin or row["project_id"] == request.project_id
        ):
            raise refusals.no_instance(key)
        return row


def mapping_of(
    row: store.Document, volume_id: str
) -> dict[str, typing.Any] | None:
    """Return the block device mapping of a volume of a server, or None."""
    for item in row["bdms"]:
        if item["volume_id"] == volume_id:
            return item
    return None


def check_state(
    action: str,
    row: store.Document,
    vm_states: collections.abc.Container[str] | None,
    idle: bool = True,
) -> None:
    """Refuse an action in the wrong state.

    :param vm_states: those that allow it; None: all.
    :param idle: whether no other task may be under way.
    :raises Conflict: Nova's text.
    """
    if vm_states is not None and row["vm_state"] not in vm_states:
        raise refusals.wrong_state(action, row)
    if idle and row["task_state"] is not None:
        raise refusals.wrong_state(action, row, "task_state")


def check_lock(request: wsgi.Request, row: store.Document) -> None:
    """Refuse to touch a locked server, but for an admin.

    :raises Conflict: Nova's text.
    """
    if row["locked_by"] and not request.is_admin:
        raise refusals.locked(row)

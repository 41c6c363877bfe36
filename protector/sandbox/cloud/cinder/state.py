# SPDX-License-Identifier: Apache-2.0
"""What the parts of the emulated Cinder share: tables, driver, look-ups.

A look-up answers 404 for what belongs to another project.
"""

import typing

from protector.sandbox.cloud import context, store, wsgi
from protector.sandbox.cloud.cinder import driver_groups, names, refusals

ZONE = "nova"
BACKEND = "pure"
CONSISTENT = "consistent_group_snapshot_enabled"
REPLICATED = "consistent_group_replication_enabled"
TRUE = "<is> True"
ASYNC = "<in> async"
SYNC = "<in> sync"


class State:
    """One cloud's Cinder."""

    def __init__(self, cloud: context.Cloud) -> None:
        self.cloud = cloud
        self.driver = driver_groups.PureDriver(cloud)
        self.lock = cloud.store.lock
        table = cloud.store.table
        self.volumes = table("volume.volumes")
        self.snapshots = table("volume.snapshots")
        self.attachments = table("volume.attachments")
        self.types = table("volume.types")
        self.group_types = table("volume.group_types")
        self.groups = table("volume.groups")
        self.group_snapshots = table("volume.group_snapshots")
        self.quotas = table("volume.quotas")

    @property
    def service_host(self) -> str:
        """``site-a@pure``."""
        return f"{self.cloud.site}@{BACKEND}"

    @property
    def pool(self) -> str:
        """``site-a@pure#pure``: the host of every volume."""
        return f"{self.service_host}#{BACKEND}"

    def now(self) -> str:
        """Return the time as Cinder prints it."""
        return self.cloud.clock.micro()

    def volume(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a volume that the caller may see.

        :raises NotFound: none, or another project's.
        """
        return self._own(request, self.volumes.get(key), "Volume", key)

    def snapshot(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a snapshot that the caller may see.

        :raises NotFound: none, or another project's.
        """
        return self._own(request, self.snapshots.get(key), "Snapshot", key)

    def group(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a group that the caller may see.

        :raises NotFound: none, or another project's.
        """
        return self._own(request, self.groups.get(key), "Group", key)

    def group_snapshot(
        self, request: wsgi.Request, key: str
    ) -> store.Document:
        """Return a group snapshot that the caller may see.

        :raises NotFound: none, or another project's.
        """
        row = self.group_snapshots.get(key)
        return self._own(request, row, "GroupSnapshot", key)

    def volume_type(self, name_or_id: str) -> store.Document:
        """Return a volume type by id or name.

        :raises NotFound: none.
        """
        found = self.types.get(name_or_id) or self.types.first(name=name_or_id)
        if found is None:
            raise refusals.not_found("Volume type with name", name_or_id)
        return found

    def group_type(self, name_or_id: str) -> store.Document:
        """Return a group type by id or name.

        :raises NotFound: none.
        """
        table = self.group_types
        found = table.get(name_or_id) or table.first(name=name_or_id)
        if found is None:
            raise refusals.not_found("Group type", name_or_id)
        return found

    def members(self, group_id: str) -> list[store.Document]:
        """Return the volumes of a group."""
        return self.volumes.list(group_id=group_id)

    def is_replicated_type(self, type_id: str | None) -> bool:
        """Whether a volume type asks for replication."""
        row = self.types.get(type_id) if type_id else None
        specs = row["extra_specs"] if row else {}
        return specs.get("replication_enabled") == TRUE

    def is_async_type(self, type_id: str | None) -> bool:
        """Whether volumes of a type go to the shared array group."""
        return self._replication(type_id) == ASYNC

    def is_sync_type(self, type_id: str | None) -> bool:
        """Whether volumes of a type go to the back end's pod."""
        return self._replication(type_id) == SYNC

    def _replication(self, type_id: str | None) -> str | None:
        row = self.types.get(type_id) if type_id else None
        specs = row["extra_specs"] if row else {}
        if not self.is_replicated_type(type_id):
            return None
        return str(specs.get("replication_type", ASYNC))

    @property
    def pod(self) -> str | None:
        """The pod of the back end, if it has one."""
        return self.cloud.array.pod if self.cloud.array else None

    def pgroup(self, group: store.Document) -> str:
        """Return the array's name of a consistent group.

        One synchronously replicated type puts the group into the pod.
        """
        sync = any(self.is_sync_type(k) for k in group["volume_type_ids"])
        return names.pgroup(group["id"], self.pod if sync else None)

    def group_has(self, group: store.Document, spec: str) -> bool:
        """Whether a group's type carries a spec as ``<is> True``."""
        kind = self.group_types.get(group["group_type_id"])
        specs = kind["group_specs"] if kind else {}
        return specs.get(spec) == TRUE

    def _own(
        self,
        request: wsgi.Request,
        row: store.Document | None,
        what: str,
        key: str,
    ) -> typing.Any:
        if row is None or not (
            request.is_admin or row["project_id"] == request.project_id
        ):
            raise refusals.not_found(what, key)
        return row

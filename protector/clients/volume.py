# SPDX-License-Identifier: Apache-2.0
"""Cinder: volumes, types, pools and quotas, through python-cinderclient."""

from collections.abc import Collection
from typing import Any

from protector import exception
from protector.clients import groups, types

Json = dict[str, Any]
# ``list`` and ``types`` are methods below
Volumes = list[types.Volume]
VolumeTypes = list[types.VolumeType]
Quotas = list[types.Quota]
Pools = list[Json]
Quota = types.Quota
VolumeType = types.VolumeType
PAGE = 500
RACES = 2


class VolumeClient(groups.GroupCalls):
    """Cinder in one project."""

    def get(self, volume_id: str) -> types.Volume:
        """:raises CloudNotFound: there is none."""
        with self.calling(f"read volume {volume_id}"):
            return _volume(self._cinder.volumes.get(volume_id).to_dict())

    def list(
        self,
        ids: Collection[str] | None = None,
        metadata: dict[str, str] | None = None,
        group_id: str | None = None,
        name: str | None = None,
    ) -> Volumes:
        """Volumes of the project.

        :param ids: only these; missing ones are left out.
        :param metadata: only volumes that have all of these.
        :param group_id: only members of this group.
        :param name: only volumes of exactly this name.
        """
        if ids is not None and len(ids) <= 1:
            found = self._few(ids)
        else:
            found = self._listed({"metadata": metadata, "name": name})
        return [
            volume
            for volume in found
            if (ids is None or volume.id in ids)
            and (name is None or volume.name == name)
            and (group_id is None or volume.group_id == group_id)
            and (metadata or {}).items() <= volume.metadata.items()
        ]

    def made(self, metadata: dict[str, str]) -> Volumes:
        """Volumes that have all of these metadata and that this user made.

        Cinder restores a backup with the metadata of its volume
        (``backup/driver.py``, 29.0.0), on a volume of whoever asks for it.
        """
        return [
            volume
            for volume in self.list(metadata=metadata)
            if volume.raw.get("user_id") == self._scope.user_id
        ]

    def _few(self, ids: Collection[str]) -> Volumes:
        found = []
        for volume_id in ids:
            try:
                found.append(self.get(volume_id))
            except exception.CloudNotFound:
                continue
        return found

    def _listed(self, filters: Json) -> Volumes:
        """All volumes, or an error that is not a race.

        Cinder 29 answers 404 for the whole list when a group, deleted with
        its volumes, goes while it lists; so it does when the last volume of
        a page has gone.
        """
        for _ in range(RACES):
            try:
                return self._pages(filters)
            except exception.CloudNotFound:
                continue
        return self._pages(filters)

    def _pages(self, filters: Json) -> Volumes:
        """All pages, by marker: the links in Cinder's answers may name a
        host that is not reachable from here."""
        wanted = {k: v for k, v in filters.items() if v}
        found: Volumes = []
        with self.calling("list volumes"):
            while True:
                page = self._cinder.volumes.list(
                    search_opts=wanted,
                    limit=PAGE,
                    marker=found[-1].id if found else None,
                )
                found += [_volume(volume.to_dict()) for volume in page]
                if len(page) < PAGE:
                    return found

    def create(
        self,
        name: str,
        size: int,
        volume_type: str,
        metadata: dict[str, str] | None = None,
        description: str | None = None,
        availability_zone: str | None = None,
        group_id: str | None = None,
    ) -> types.Volume:
        """Create an empty volume, ``creating`` when this returns.

        :param size: GiB.
        :param volume_type: id or name.
        :param group_id: make it a member of this group, so that it is
            scheduled to the group's backend.
        """
        with self.calling(f"create volume {name}"):
            made = self._cinder.volumes.create(
                size,
                name=name,
                description=description,
                volume_type=volume_type,
                metadata=metadata,
                availability_zone=availability_zone,
                group_id=group_id,
            )
            return _volume(made.to_dict())

    def delete(self, volume_id: str) -> None:
        with self.calling(f"delete volume {volume_id}"):
            self._cinder.volumes.delete(volume_id)

    def extend(self, volume_id: str, size: int) -> None:
        """Make a volume ``size`` GiB large."""
        with self.calling(f"extend volume {volume_id}"):
            self._cinder.volumes.extend(volume_id, size)

    def set_bootable(self, volume_id: str, flag: bool) -> None:
        with self.calling(f"set bootable of volume {volume_id}"):
            self._cinder.volumes.set_bootable(volume_id, flag)

    def set_image_metadata(
        self, volume_id: str, metadata: dict[str, str]
    ) -> None:
        """Add to what Nova takes for the image's properties."""
        with self.calling(f"set image metadata of volume {volume_id}"):
            self._cinder.volumes.set_image_metadata(volume_id, metadata)

    def set_metadata(self, volume_id: str, metadata: dict[str, str]) -> None:
        """Add to the metadata."""
        with self.calling(f"set metadata of volume {volume_id}"):
            self._cinder.volumes.set_metadata(volume_id, metadata)

    def update(
        self,
        volume_id: str,
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        """Change what is not None."""
        changes = {"name": name, "description": description}
        wanted = {k: v for k, v in changes.items() if v is not None}
        with self.calling(f"update volume {volume_id}"):
            self._cinder.volumes.update(volume_id, **wanted)

    # -- the cloud's own

    def types(self) -> VolumeTypes:
        """All volume types; extra specs are empty unless an admin asks."""
        with self.calling("list volume types"):
            return [
                VolumeType(
                    id=found.id,
                    name=found.name,
                    extra_specs=found.to_dict().get("extra_specs") or {},
                )
                for found in self._cinder.volume_types.list()
            ]

    def pools(self) -> Pools:
        """Backends as the scheduler knows them, capabilities beside
        ``name``; for admins."""
        with self.calling("list pools"):
            found = self.read("/scheduler-stats/get_pools", detail="True")
            return [
                {**pool.get("capabilities", {}), "name": pool["name"]}
                for pool in found["pools"]
            ]

    def services(self) -> Pools:
        """Cinder's own: ``binary``, ``host``, ``state``; for admins."""
        with self.calling("list services"):
            found: Pools = self.read("/os-services")["services"]
            return found

    def quotas(self) -> Quotas:
        """Limits and use of the project, those per volume type too."""
        project_id = self._scope.project_id
        with self.calling("read quotas"):
            found = self._cinder.quotas.get(project_id, usage=True)
            return [
                Quota(
                    resource=name,
                    limit=int(raw["limit"]),
                    in_use=int(raw["in_use"]),
                    reserved=int(raw["reserved"]),
                )
                for name, raw in found.to_dict().items()
                if isinstance(raw, dict)
            ]


def _volume(raw: Json) -> types.Volume:
    attached = raw.get("attachments") or ()
    return types.Volume(
        id=raw["id"],
        name=raw.get("name") or "",
        status=raw["status"],
        size=int(raw["size"]),
        volume_type=raw.get("volume_type") or "",
        bootable=str(raw.get("bootable", "")).lower() == "true",
        encrypted=bool(raw.get("encrypted")),
        multiattach=bool(raw.get("multiattach")),
        group_id=raw.get("group_id") or raw.get("consistencygroup_id"),
        host=raw.get("os-vol-host-attr:host"),
        provider_id=raw.get("provider_id"),
        metadata=raw.get("metadata") or {},
        image_metadata=raw.get("volume_image_metadata") or {},
        server_ids=tuple(
            a["server_id"] for a in attached if a.get("server_id")
        ),
        raw=raw,
    )

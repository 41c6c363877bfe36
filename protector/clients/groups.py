# SPDX-License-Identifier: Apache-2.0
"""Cinder's generic volume groups and their types.

Never asks Cinder to delete volumes along with a group, and never uses its
replication actions: their answers hold array tokens.
"""

from collections.abc import Collection, Iterable
from typing import Any

from cinderclient import client as cinder_client

from protector import exception, lazy
from protector.clients import rest, types

Json = dict[str, Any]


class GroupCalls(rest.Service):
    """The calls on groups; ``volume.VolumeClient`` adds the others."""

    service_type = "volumev3"
    label = "Cinder"
    # the last that python-cinderclient knows
    understood = (3, 71)

    @lazy.Lazy
    def _cinder(self) -> Any:
        return cinder_client.Client(
            self.best(),
            session=self._scope.session,
            service_type=self.service_type,
            endpoint_type=self._scope.access.interface,
            region_name=self._scope.access.region_name,
            global_request_id=self._scope.request_id,
        )

    def get_group(self, group_id: str) -> types.Group:
        """With its volumes.

        :raises CloudNotFound: there is none.
        """
        with self.calling(f"read group {group_id}"):
            found = self._cinder.groups.get(group_id, list_volume=True)
            return _group(found.to_dict())

    def groups(self, ids: Collection[str] | None = None) -> list[types.Group]:
        """Groups of the project, only those of ``ids`` when given."""
        if ids is not None and len(ids) <= 1:
            return self._few_groups(ids)
        return [g for g in self._groups({}) if ids is None or g.id in ids]

    def find_groups(self, name: str) -> list[types.Group]:
        """All groups of a name; Cinder allows several."""
        return [g for g in self._groups({"name": name}) if g.name == name]

    def _few_groups(self, ids: Iterable[str]) -> list[types.Group]:
        found = []
        for group_id in ids:
            try:
                found.append(self.get_group(group_id))
            except exception.CloudNotFound:
                continue
        return found

    def _groups(self, filters: Json) -> list[types.Group]:
        with self.calling("list groups"):
            found = self._cinder.groups.list(
                search_opts=dict(filters), list_volume=True
            )
            return [_group(group.to_dict()) for group in found]

    def create_group(
        self,
        name: str,
        description: str,
        group_type_id: str,
        volume_type_ids: Iterable[str],
    ) -> types.Group:
        """Create a group, ``creating`` when this returns."""
        kinds = tuple(volume_type_ids)
        with self.calling(f"create group {name}"):
            made = self._cinder.groups.create(
                group_type_id, ",".join(kinds), name, description
            ).to_dict()
            return _group(
                {
                    "status": "creating",
                    "group_type": group_type_id,
                    "volume_types": list(kinds),
                    "description": description,
                    "volumes": [],
                    **made,
                }
            )

    def update_group(
        self,
        group_id: str,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        name: str | None = None,
        description: str | None = None,
    ) -> None:
        """Change members or texts; members settle later.

        :raises CloudError: also when a volume is a member already.
        """
        changes = {
            "add_volumes": ",".join(add) or None,
            "remove_volumes": ",".join(remove) or None,
            "name": name,
            "description": description,
        }
        wanted = {k: v for k, v in changes.items() if v is not None}
        with self.calling(f"update group {group_id}"):
            self._cinder.groups.update(group_id, **wanted)

    def delete_group(self, group_id: str) -> None:
        """Delete an empty group.

        A request of our own: python-cinderclient would send the flag
        ``delete-volumes``, if only with false.
        """
        with self.calling(f"delete group {group_id}"):
            self.post(f"/groups/{group_id}/action", {"delete": {}})

    # -- group types

    def group_types(self) -> list[types.GroupType]:
        """All group types; specs are empty unless an admin asks."""
        with self.calling("list group types"):
            found = self._cinder.group_types.list()
            return [_group_type(kind.to_dict()) for kind in found]

    def create_group_type(
        self, name: str, specs: dict[str, str]
    ) -> types.GroupType:
        """Make a public group type, or complete the one of that name.

        Creating and giving specs are two calls; after a crash between them
        the second is made up for here.
        """
        known = [k for k in self.group_types() if k.name == name]
        with self.calling(f"create group type {name}"):
            kinds = self._cinder.group_types
            found = (
                kinds.get(known[0].id)
                if known
                else kinds.create(name, is_public=True)
            )
            has = found.to_dict().get("group_specs") or {}
            missing = {k: v for k, v in specs.items() if has.get(k) != v}
            if missing:
                found.set_keys(missing)
            return types.GroupType(found.id, name, {**has, **missing})


def _group(raw: Json) -> types.Group:
    if "volumes" not in raw:
        raise exception.CloudError(
            "Cinder does not show the members of a group; it needs "
            "microversion 3.25 (Ocata)."
        )
    return types.Group(
        id=raw["id"],
        name=raw.get("name") or "",
        status=raw["status"],
        group_type=raw.get("group_type") or "",
        volume_types=tuple(raw.get("volume_types") or ()),
        volume_ids=tuple(raw["volumes"]),
        description=raw.get("description") or "",
    )


def _group_type(raw: Json) -> types.GroupType:
    return types.GroupType(
        id=raw["id"],
        name=raw["name"],
        group_specs=raw.get("group_specs") or {},
    )

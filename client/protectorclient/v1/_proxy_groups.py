# SPDX-License-Identifier: Apache-2.0
"""The part of the proxy for protection groups and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from protectorclient import errors
from protectorclient.v1 import (
    _base,
    _evacuation,
    _proxy_sites,
    consistency_groups,
    health,
    members,
    metadata_sync,
    operations,
    protection_groups,
    replication_policies,
    resource_mappings,
)

Group = protection_groups.ProtectionGroup
GroupOrId = str | Group


class GroupsMixin(_proxy_sites.TenantScoped):
    """Protection groups and what belongs to them.

    A change that the server accepted but has not finished (202) returns with
    ``accepted_operation_id`` set; pass that to ``wait_for_operation``.
    """

    def protection_groups(self, **query: Any) -> Iterator[Group]:
        """The groups of the project, or with ``all_projects`` of all."""
        return self._list(Group, **self._tenant(), **query)

    def get_protection_group(self, group: GroupOrId) -> Group:
        """One group by its id."""
        group_id = _base.Resource._get_id(group)
        return self._get(Group, group_id, **self._tenant())

    def find_protection_group(
        self, name_or_id: str, ignore_missing: bool = False, **query: Any
    ) -> Group | None:
        """One group by name or id.

        :raises errors.AmbiguousName: several have the name
        :raises errors.NoSuchResource: none has, unless ``ignore_missing``
        """
        return Group.find(
            self, name_or_id, ignore_missing, **self._tenant(), **query
        )

    def create_protection_group(self, **attrs: Any) -> Group:
        """Create a group; accepted, not done.

        :param attrs: ``name``, ``description``, ``replication_type``,
            ``primary_site_id``, ``secondary_site_id``, ``volume_type_id``,
            ``secondary_volume_type_id``
        """
        return self._create(Group, **self._tenant(), **attrs)

    def update_protection_group(self, group: GroupOrId, **attrs: Any) -> Group:
        """Change ``name`` or ``description``."""
        group_id = _base.Resource._get_id(group)
        return self._update(Group, group_id, **self._tenant(), **attrs)

    def delete_protection_group(
        self,
        group: GroupOrId,
        ignore_missing: bool = True,
        discard_undo: bool = False,
    ) -> Group | None:
        """Delete a group; accepted, not done.

        :param ignore_missing: return None where there is no such group
        :param discard_undo: also give up undo copies that are still kept,
            which otherwise are a reason to refuse
        :raises errors.Conflict: it has members, or undo copies
        """
        return self._discard(self._group(group), ignore_missing, discard_undo)

    def run_protection_group(
        self, group: GroupOrId, verb: str, **args: Any
    ) -> operations.Operation:
        """Start a placement verb.

        :param verb: ``failover``, ``failback``, ``test_failover``,
            ``test_cleanup``, ``reprotect``, ``replicate``,
            ``source_cleanup``, ``resolve_split`` or ``rehome``
        :param args: the arguments of the verb
        """
        return self._group(group).run(self, verb, args)

    def dry_run_protection_group(
        self, group: GroupOrId, verb: str, **args: Any
    ) -> dict[str, Any]:
        """What a placement verb would do: plan, preflight, duration."""
        return self._group(group).dry_run(self, verb, args)

    def groups_at(self, site: str, **query: Any) -> list[Group]:
        """The groups that run at a site now.

        :param site: its id
        :param query: as of ``protection_groups``
        """
        found = self.protection_groups(current_primary_site_id=site, **query)
        return [g for g in found if g.current_primary_site_id == site]

    def evacuate_site(
        self, site: str, dry_run: bool = False, **args: Any
    ) -> list[_evacuation.Asked]:
        """Start the move of every group that runs at a site, side by side.

        Wait for each of the operations with ``wait_for_operation``.

        :param site: its id
        :param dry_run: only plan
        :param args: the arguments of the moves, such as ``type``
        :returns: for each group its operation (or plan), or why it was not
            started
        """
        return self.move_groups(self.groups_at(site), site, dry_run, **args)

    def move_groups(
        self, groups: list[Group], site: str, dry_run: bool, **args: Any
    ) -> list[_evacuation.Asked]:
        """The same for groups that are known."""
        run = (
            self.dry_run_protection_group
            if dry_run
            else self.run_protection_group
        )
        return _evacuation.ask(
            groups,
            lambda group: run(group, _evacuation.verb(group, site), **args),
        )

    def recovery_points(
        self, group: GroupOrId, **query: Any
    ) -> Iterator[protection_groups.RecoveryPoint]:
        """The points in time a group can be brought back to."""
        return self._list(
            protection_groups.RecoveryPoint, **self._under(group), **query
        )

    def get_consistency_group(
        self, group: GroupOrId
    ) -> consistency_groups.ConsistencyGroup:
        """The consistency group of a group."""
        return self._single(consistency_groups.ConsistencyGroup, group)

    def get_protection_group_health(
        self, group: GroupOrId
    ) -> health.GroupHealth:
        """Health of a group."""
        return self._single(health.GroupHealth, group)

    def members(
        self, group: GroupOrId, **query: Any
    ) -> Iterator[members.Member]:
        """The members of a group."""
        return self._list(members.Member, **self._under(group), **query)

    def get_member(self, group: GroupOrId, member: str) -> members.Member:
        """One member by its id."""
        return self._get(members.Member, member, **self._under(group))

    def find_member(
        self, group: GroupOrId, name_or_id: str, ignore_missing: bool = False
    ) -> members.Member | None:
        """One member by its id, its server's id, or its server's name."""
        return members.Member.find(
            self, name_or_id, ignore_missing, **self._under(group)
        )

    def add_member(
        self,
        group: GroupOrId,
        instance_id: str,
        volume_ids: list[str] | None = None,
    ) -> members.Member:
        """Protect a server; accepted, not done.

        :param instance_id: the server
        :param volume_ids: only these of its volumes; None for all
        """
        attrs: dict[str, Any] = {"instance_id": instance_id}
        if volume_ids:
            attrs["volume_ids"] = volume_ids
        return self._create(members.Member, **self._under(group), **attrs)

    def remove_member(
        self,
        group: GroupOrId,
        member: str,
        ignore_missing: bool = True,
        discard_undo: bool = False,
    ) -> members.Member | None:
        """Stop protecting a server.

        :param ignore_missing: return None where there is no such member
        :param discard_undo: also give up what undo copies hold of it, which
            otherwise is a reason to refuse
        :raises errors.Conflict: undo copies hold something of it
        """
        row = self._get_resource(members.Member, member, **self._under(group))
        return self._discard(row, ignore_missing, discard_undo)

    def get_replication_policy(
        self, group: GroupOrId
    ) -> replication_policies.ReplicationPolicy:
        """The policy of a group."""
        return self._single(replication_policies.ReplicationPolicy, group)

    def set_replication_policy(
        self, group: GroupOrId, **attrs: Any
    ) -> replication_policies.ReplicationPolicy:
        """Set fields of the policy of a group."""
        return self._update(
            replication_policies.ReplicationPolicy,
            None,
            **self._under(group),
            **attrs,
        )

    def delete_replication_policy(
        self, group: GroupOrId, ignore_missing: bool = True
    ) -> replication_policies.ReplicationPolicy | None:
        """Back to the defaults of the service."""
        return self._delete(
            replication_policies.ReplicationPolicy,
            None,
            ignore_missing,
            **self._under(group),
        )

    def get_resource_mappings(
        self, group: GroupOrId
    ) -> resource_mappings.ResourceMappings:
        """The mappings of a group."""
        return self._single(resource_mappings.ResourceMappings, group)

    def set_resource_mappings(
        self, group: GroupOrId, **attrs: Any
    ) -> resource_mappings.ResourceMappings:
        """Replace the mappings of a group."""
        return self._update(
            resource_mappings.ResourceMappings,
            None,
            **self._under(group),
            **attrs,
        )

    def propose_resource_mappings(
        self, group: GroupOrId
    ) -> resource_mappings.MappingsProposal:
        """What the server would map, from both clouds; changes nothing."""
        return self._single(resource_mappings.MappingsProposal, group)

    def get_sync_status(self, group: GroupOrId) -> metadata_sync.SyncStatus:
        """Whether both sites know the same, by the local record."""
        return self._single(metadata_sync.SyncStatus, group)

    def force_sync(self, group: GroupOrId) -> metadata_sync.SyncForce:
        """Push the metadata to the peer now."""
        push = self._get_resource(
            metadata_sync.SyncForce, None, **self._under(group)
        )
        return push.create(self, prepend_key=False)

    def _single(self, kind: type[_base.Singleton], group: GroupOrId) -> Any:
        return self._get(kind, requires_id=False, **self._under(group))

    def _discard(
        self, row: Any, ignore_missing: bool, discard_undo: bool
    ) -> Any:
        params = {"discard_undo": "true"} if discard_undo else None
        try:
            return row.delete(self, params=params)
        except errors.NotFound:
            if ignore_missing:
                return None
            raise

    def _under(self, group: GroupOrId) -> dict[str, str]:
        group_id = _base.Resource._get_id(group)
        return {"group_id": group_id, **self._tenant()}

    def _group(self, group: GroupOrId) -> Group:
        return self._get_resource(Group, group, **self._tenant())

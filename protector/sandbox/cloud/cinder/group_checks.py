# SPDX-License-Identifier: Apache-2.0
"""What Cinder checks before it changes a group, with its texts.

Source: cinder/group/api.py 29.0.0.
"""

import collections.abc

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.cinder import refusals
from protector.sandbox.cloud.cinder import state as states

REMOVABLE = ("available", "in-use", "error", "error_deleting")
ADDABLE = ("available", "in-use")


def split_ids(text: str | None) -> list[str]:
    """Return the ids of ``a,b,c``."""
    return text.strip(",").split(",") if text else []


def volumes_to_add(
    state: states.State,
    request: wsgi.Request,
    group: store.Document,
    ids: list[str],
) -> list[str]:
    """Return which of the volumes are to be added; members are dropped.

    :raises BadRequest: one may not be added.
    """
    members = {row["id"] for row in state.members(group["id"])}
    wanted = [key for key in ids if key not in members]
    for key in wanted:
        reason = _why_not_add(state, request, group, key)
        if reason:
            raise refusals.invalid_volume(reason)
    return wanted


def _why_not_add(
    state: states.State,
    request: wsgi.Request,
    group: store.Document,
    key: str,
) -> str | None:
    start = f"Cannot add volume {key} to group {group['id']}"
    try:
        row = state.volume(request, key)
    except errors.NotFound:
        return f"{start} because volume cannot be found."
    if row["group_id"]:
        return f"{start} because it is already in group {row['group_id']}."
    if row["project_id"] != group["project_id"]:
        return f"{start} as they belong to different projects."
    kind = row["volume_type_id"]
    if kind not in group["volume_type_ids"]:
        return (
            f"{start} because volume type {kind} is not supported by the "
            "group."
        )
    if row["status"] not in ADDABLE:
        return (
            f"{start} because volume is in an invalid state: "
            f"{row['status']}. Valid states are: {ADDABLE}."
        )
    if row["host"] != group["host"]:
        return "Volume is not local to this node."
    return None


def volumes_to_remove(
    state: states.State, group: store.Document, ids: list[str]
) -> list[str]:
    """Return the volumes to remove, all of them members.

    :raises BadRequest: one may not be removed.
    """
    members = {row["id"]: row for row in state.members(group["id"])}
    for key, row in members.items():
        if key in ids and row["status"] not in REMOVABLE:
            raise refusals.invalid_volume(
                f"Cannot remove volume {key} from group {group['id']} "
                f"because volume is in an invalid state: {row['status']}. "
                f"Valid states are: {REMOVABLE}."
            )
    for key in ids:
        if key not in members:
            raise refusals.invalid_volume(
                f"Cannot remove volume {key} from group {group['id']} "
                "because it is not in the group."
            )
    return ids


def check_delete(
    state: states.State, group: store.Document, delete_volumes: bool
) -> None:
    """Refuse to delete a group that holds something.

    :raises BadRequest: Cinder's text.
    """
    status = group["status"]
    if not delete_volumes and status not in ("available", "error"):
        raise refusals.invalid_group(
            "Group status must be available or error, but current status "
            f"is: {status}"
        )
    if state.group_snapshots.count(group_id=group["id"]):
        raise refusals.invalid_group("Group has existing snapshots.")
    members = state.members(group["id"])
    if members and not delete_volumes:
        raise refusals.invalid_group(
            f"Group {group['id']} still contains volumes. The "
            "delete-volumes flag is required to delete it."
        )
    for row in members:
        if row["attach_status"] == "attached":
            raise refusals.invalid_group(
                f"Volume in group {group['id']} is attached. Need to detach "
                "first."
            )
        if state.snapshots.count(volume_id=row["id"]):
            raise refusals.invalid_group(
                "Volume in group still has dependent snapshots."
            )


def check_replication_type(state: states.State, group: store.Document) -> None:
    """Refuse the replication actions on other groups.

    :raises BadRequest: Cinder's text.
    """
    if not (
        state.group_has(group, states.REPLICATED)
        or state.group_has(group, "group_replication_enabled")
    ):
        raise errors.BadRequest(
            f"Invalid group type: Group {group['id']} is not a replication "
            "group type."
        )
    for key in group["volume_type_ids"]:
        if not state.is_replicated_type(key):
            raise errors.BadRequest(
                f"Invalid volume type: Volume type {key} does not have "
                "'replication_enabled' spec key set to '<is> True'."
            )


def check_replication_state(
    state: states.State,
    group: store.Document,
    verb: str,
    allowed: collections.abc.Sequence[str],
    group_statuses: collections.abc.Sequence[str] = ("available",),
    attached: bool = True,
) -> None:
    """Refuse a replication action in the wrong state.

    :param verb: ``enable``, ``disable`` or ``failover``.
    :param allowed: replication statuses of the group and its volumes.
    :param attached: whether attached volumes may come along.
    :raises BadRequest: Cinder's text.
    """
    end = f"Cannot {verb} replication."
    if group["status"] not in group_statuses:
        raise refusals.invalid_group(
            f"Group {group['id']} status must be {list(group_statuses)}, but "
            f"current status is: {group['status']}. {end}"
        )
    if group["replication_status"] not in allowed:
        raise refusals.invalid_group(
            f"Group {group['id']} replication status must be "
            f"{list(allowed)}, but current status is: "
            f"{group['replication_status']}. {end}"
        )
    for row in state.members(group["id"]):
        _check_member(row, verb, allowed, attached)


def _check_member(
    row: store.Document,
    verb: str,
    allowed: collections.abc.Sequence[str],
    attached: bool,
) -> None:
    end = f"Cannot {verb} replication."
    if verb != "disable" and row["status"] not in ADDABLE:
        raise refusals.invalid_volume(
            f"Volume {row['id']} status must be {list(ADDABLE)}, but current "
            f"status is: {row['status']}. {end}"
        )
    if row["status"] == "in-use" and not attached:
        raise refusals.invalid_volume(
            f"Volume {row['id']} is attached but allow_attached_volume flag "
            f"is False. {end}"
        )
    if row["replication_status"] not in allowed:
        raise refusals.invalid_volume(
            f"Volume {row['id']} replication status must be {list(allowed)}, "
            f"but current status is: {row['replication_status']}. {end}"
        )

# SPDX-License-Identifier: Apache-2.0
"""What a drill makes, remembered with the operation that makes it.

Marks of its own, so that a real move never takes a clone for a copy; noted
by id as soon as it is made, and deleted by that id only.
"""

from collections.abc import Mapping, Sequence
import datetime
from typing import Any

from protector import exception
from protector.clients import types
from protector.clients import volume as volume_client
from protector.db import models
from protector.db.api import operations, operations_leases
from protector.engine import replication
from protector.engine.context import StepContext
from protector.storage import base

Json = dict[str, Any]
MARK = "protector_drill"
MEMBER_MARK = "protector_drill_member"
VOLUME_MARK = "protector_drill_volume"
# of what a user sees in lists, beside the name of the member's
SUFFIX = "-test"

SERVERS = "servers"
VOLUMES = "volumes"
ARRAY_VOLUMES = "array_volumes"
PORTS = "ports"
SECURITY_GROUPS = "security_groups"


def id_of(ctx: StepContext) -> str:
    """The operation that makes the drill, or made it."""
    return str(ctx.operation.args.get("drill_id", ctx.operation.id))


# -- marks


def marks(ctx: StepContext) -> dict[str, str]:
    """Metadata of the member's server and, with a number, volumes."""
    return {MARK: id_of(ctx), MEMBER_MARK: str(ctx.member_id)}


def volume_marks(ctx: StepContext, ordinal: int) -> dict[str, str]:
    return marks(ctx) | {VOLUME_MARK: str(ordinal)}


def text_mark(drill_id: str) -> str:
    """How the descriptions of ports and security groups begin."""
    return f"protector-drill:{drill_id}"


def port_mark(ctx: StepContext, number: int) -> str:
    return f"{text_mark(id_of(ctx))}:{ctx.member_id}:{number}"


def name(original: str) -> str:
    """At most 255 characters."""
    return original[: 255 - len(SUFFIX)] + SUFFIX


# -- what was made, by its key: a volume's ordinal, a port's number, ...


def made(ctx: StepContext, kind: str) -> dict[str, str]:
    """Ids of a kind that were made for the step's member, by key."""
    found = _data(ctx).get(_key(str(ctx.member_id)), {})
    return dict(found.get(kind, {}))


def made_of_all(ctx: StepContext, kind: str) -> list[str]:
    """Ids of a kind, whatever member they were made for."""
    return [
        object_id
        for key, found in _data(ctx).items()
        if key.startswith(_key(""))
        for object_id in found.get(kind, {}).values()
    ]


def note(ctx: StepContext, kind: str, key: str | int, object_id: str) -> None:
    """Remember what was just made for the step's member."""
    with ctx.write() as session:
        row = operations_leases.owned(session, ctx.work.lease.token)
        name = _key(str(ctx.member_id))
        known = row.data.get(name, {})
        ids = {**known.get(kind, {}), str(key): object_id}
        row.data = {**row.data, name: {**known, kind: ids}}


def _data(ctx: StepContext) -> Json:
    with ctx.runtime.db.reader() as session:
        return operations.get(session, id_of(ctx)).data


def _key(member_id: str) -> str:
    # one key for each member: they are made side by side
    return f"drill:{member_id}"


# -- what it is made of


def clone_type(
    volume: volume_client.VolumeClient, side: models.ConsistencyGroupSide
) -> types.VolumeType:
    """A type on the backend of the group's own that does not replicate.

    :raises PreflightFailed: there is none.
    """
    known = volume.types()
    own = next((t for t in known if t.id == side.volume_type_id), None)
    backend = own and own.extra_specs.get("volume_backend_name")
    fit = [
        t
        for t in known
        if backend
        and t.extra_specs.get("volume_backend_name") == backend
        and not t.replicated
        and str(t.extra_specs.get("multiattach", "")).lower() != "<is> true"
    ]
    if not fit:
        raise exception.PreflightFailed(
            "There is no volume type without replication on the backend of "
            f"type {side.volume_type_name} at the target site.",
            remedy="Make a volume type whose volume_backend_name is that of "
            f"{side.volume_type_name}, without replication_enabled.",
        )
    return min(fit, key=lambda t: t.name)


def choose_point(
    points: Sequence[base.Point],
    known_epochs: Mapping[str, int],
    epoch: int,
    name: str | None,
) -> base.Point:
    """The named point, or the newest complete one of the epoch.

    :param points: of the direction towards the site of the drill.
    :param known_epochs: see ``replication.epochs``.
    :raises UnexpectedState: there is no such complete point.
    """
    if name is not None:
        fit = [p for p in points if p.name == name and p.complete]
        what = f"recovery point {name}"
    else:
        epochs = replication.epochs(points, known_epochs)
        fit = [p for p in points if p.complete and epochs[p.name] == epoch]
        what = "recovery point of the current direction"
    if not fit:
        raise exception.UnexpectedState(
            f"The target array has no complete {what}.",
            remedy="Replicate now, wait for the transfer, or choose another "
            "recovery point.",
        )
    return max(fit, key=lambda p: p.created)


def expiry(ctx: StepContext, now: datetime.datetime) -> datetime.datetime:
    """When the lease of a drill that is there now runs out."""
    minutes = ctx.operation.args.get("lease_minutes")
    seconds = ctx.conf.engine.drill_lease
    return now + datetime.timedelta(
        seconds=minutes * 60 if minutes else seconds
    )

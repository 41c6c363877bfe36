# SPDX-License-Identifier: Apache-2.0
"""The read-only verdict before a request is accepted.

Refusals precede the 202: what can be known to fail is refused here, and
nothing is written.
"""

from collections.abc import Callable
import contextlib
from typing import Any

from protector import constants as c
from protector import exception, states
from protector.context import RequestContext
from protector.db.api import histories, metadata_sync, protection_groups
from protector.engine import (
    adoption,
    cleanup,
    group_types,
    mapping_names,
    quarantine,
    reading,
    recipe,
    undo_copies,
    undo_held,
    unplanned,
)
from protector.engine import scene as scenes

Json = dict[str, Any]
Reader = reading.Reader


def check(
    runtime: Any,
    context: RequestContext,
    verb: str,
    group_id: str | None,
    args: Json,
) -> Json:
    """What the engine resolved of a request that it would accept; see
    ``rpcapi.EngineAPI.precheck``.

    :raises ProtectorError: the refusal.
    """
    if verb == c.Verb.CREATE:
        return group_types.check_create(runtime, context, args)
    reader = Reader.of(runtime, str(group_id), context)
    if states.is_unplanned(args):
        unplanned.check(reader, verb, args)
        return {}
    require_legal(reader, verb)
    return CHECKS[c.Verb(verb)](reader, args)


def require_legal(reader: Reader, verb: str) -> None:
    """:raises InvalidStatus: the status of the group does not allow it."""
    group = reader.scene.group
    refused = protection_groups.refusal(group, verb)
    if refused is not None:
        raise refused


def _peer(reader: Reader) -> None:
    """The peer answers, soon.

    :raises PeerUnreachable: it does not.
    """
    if reader.scene.alone:
        return
    try:
        reader.site(reader.scene.peer_site_id).peer.check(
            reader.conf.peer.check_timeout
        )
    except exception.PeerUnreachable as e:
        raise exception.PeerUnreachable(
            "remote site unreachable - cannot modify protection group "
            f"{reader.scene.group.name}: {e.message}",
            **e.details,
        ) from None
    adoption.require_newest(reader)


def _in_sync(reader: Reader) -> None:
    if reader.scene.alone:
        return
    with reader.runtime.db.reader() as session:
        metadata_sync.require_in_sync(session, reader.scene.group)


def _change(reader: Reader, args: Json) -> Json:
    _in_sync(reader)
    _peer(reader)
    return {}


def _sync(reader: Reader, args: Json) -> Json:
    # it is the way to what is newer there
    reader.site(reader.scene.peer_site_id).peer.check(
        reader.conf.peer.check_timeout
    )
    return {}


def _update(reader: Reader, args: Json) -> Json:
    group = reader.scene.group
    if "name" in args:
        with reader.runtime.db.reader() as session:
            protection_groups.check_name(
                session, group.project_id, args["name"], except_id=group.id
            )
    return _change(reader, args)


def _delete(reader: Reader, args: Json) -> Json:
    scene = reader.scene
    must_go = histories.must_go(scene.group, scene.local_site_id)
    if scene.members and not must_go:
        raise states.not_empty(scene.group.name, len(scene.members))
    _peer(reader)
    _no_undo(reader, args)
    return {}


def _no_undo(reader: Reader, args: Json) -> None:
    """:raises InvalidStatus: undo copies live."""
    if args.get("discard_undo"):
        return
    scene = reader.scene
    names: list[str] = []
    for site_id in scene.site_ids:
        with _unless_silent():
            names += undo_copies.live(reader, site_id)
    if names:
        raise undo_copies.refusal(scene.group.name, names)


def _member_add(reader: Reader, args: Json) -> Json:
    _change(reader, args)
    found = recipe.capture(
        reader.tenant(reader.scene.local_site_id),
        args["instance_id"],
        args.get("volume_ids"),
        recipe.rules(reader.scene),
    )
    ids = [v.id for v, _ in found.volumes]
    with reader.runtime.db.reader() as session:
        other = protection_groups.volume_group(
            session, ids, reader.scene.group.id
        )
    if other is not None:
        raise exception.VolumeInAnotherGroup(
            f"A volume of instance {found.server.name} is in protection "
            f"group {other.name}.",
            id=other.id,
        )
    return {
        "instance_name": found.server.name,
        "volume_ids": ids,
        "warnings": found.warnings,
    }


def _member_remove(reader: Reader, args: Json) -> Json:
    _change(reader, args)
    scene = reader.scene
    member = scene.member(args["member_id"])
    stale = quarantine.stale(scene, scene.peer_site_id)
    if scene.alone and member.id in {m.id for m, _ in stale}:
        raise exception.InvalidStatus(
            f"The server of member {member.instance_name} at the lost site "
            "is not known to be down: it has to be stopped when that site "
            "returns.",
            remedy="Keep the member, or delete the group.",
            member=member.id,
        )
    with _unless_silent():
        undo_held.require_none(
            undo_held.of_member(reader, member), args, undo_held.REMOVE
        )
    return {}


def _unless_silent() -> contextlib.AbstractContextManager[None]:
    """Whatever an array does not tell about undo copies, the operation asks
    again, before it deletes anything."""
    return contextlib.suppress(exception.ArrayError)


def _mappings_set(reader: Reader, args: Json) -> Json:
    _change(reader, args)
    scene = reader.scene
    mappings = args["mappings"]
    for side, site_id in _sides(scene):
        if site_id not in scene.site_ids:
            continue
        wanted = mappings
        if site_id == scene.group.current_primary_site_id:
            # keypairs belong to the users there
            wanted = {k: v for k, v in mappings.items() if k != "keypairs"}
        name = scene.sites[site_id].name
        mapping_names.check(side, name, reader.tenant(site_id), wanted)
    return {"mappings": mappings}


def _sides(scene: scenes.Scene) -> tuple[tuple[str, str], ...]:
    group = scene.group
    return (
        ("primary", group.primary_site_id),
        ("secondary", group.secondary_site_id),
    )


def _policy_set(reader: Reader, args: Json) -> Json:
    interval = args.get("replication_interval_minutes")
    rpo = args.get("rpo_minutes")
    if interval and rpo and rpo < interval:
        raise exception.BadRequest(
            f"rpo_minutes ({rpo}) is shorter than "
            f"replication_interval_minutes ({interval}).",
            remedy="Replicate at least as often as the RPO demands.",
            field="rpo_minutes",
        )
    return _change(reader, args)


def _replicate(reader: Reader, args: Json) -> Json:
    group = reader.scene.group
    if not reader.scene.side(group.current_primary_site_id).array_group:
        raise states.not_configured(group.name)
    with contextlib.suppress(exception.PeerUnreachable):
        adoption.require_newest(reader)
    return {}


def _move(reader: Reader, args: Json) -> Json:
    """Placement: what stops it is preflight's to find; a peer that is away
    is known at once."""
    _in_sync(reader)
    _peer(reader)
    if not reader.scene.settled_members:
        raise states.no_members(reader.scene.group.name)
    return {}


def _source_cleanup(reader: Reader, args: Json) -> Json:
    """What is parked may be all there is, until the other way replicates;
    preflight says more."""
    _change(reader, args)
    scene = reader.scene
    if not cleanup.parked(scene):
        raise states.nothing_parked(scene.group.name)
    if not cleanup.covered(reader, scene.group.current_primary_site_id):
        raise exception.InvalidStatus(
            f"Protection group {scene.group.name} has no complete recovery "
            "point of its present direction yet: what is parked is the only "
            "other copy.",
            remedy="Run replicate, and ask again when it has ended.",
        )
    other = scene.other(scene.group.current_primary_site_id)
    with _unless_silent():
        undo_held.require_none(
            undo_held.of_parked(reader, other), args, undo_held.CLEAN
        )
    return {}


def _resolve_split(reader: Reader, args: Json) -> Json:
    """The other site answers, and has something to choose from."""
    scene = reader.scene
    if not histories.is_split(scene.group):
        raise states.one_history(scene.group.name)
    peer = reader.site(scene.peer_site_id).peer
    peer.check(reader.conf.peer.check_timeout)
    peer.group(scene.group.id)
    return {}


def _rehome(reader: Reader, args: Json) -> Json:
    """What the group needs at its new site is there.

    :raises InvalidReference: there is no such other site.
    """
    scene = reader.scene
    site = scene.sites.get(args["secondary_site_id"])
    known = (scene.local_site_id, scene.peer_site_id)
    if site is None or site.lost or site.id in known:
        raise exception.InvalidReference(
            f"Site {args['secondary_site_id']} cannot be the new secondary "
            f"site of protection group {scene.group.name}.",
            remedy="Choose another registered site, that is not lost.",
            field="secondary_site_id",
        )
    reader.site(site.id).peer.check(reader.conf.peer.check_timeout)
    return group_types.resolve_secondary(
        reader.runtime,
        site,
        reader.site(site.id),
        reader.site(scene.local_site_id),
        scene.group,
        scene.side(scene.local_site_id),
    )


def _drill(reader: Reader, args: Json) -> Json:
    """Neither needs the peer, nor a document that both have; the rest is
    preflight's to find."""
    return {}


Check = Callable[[Reader, Json], Json]
CHECKS: dict[c.Verb, Check] = {
    c.Verb.UPDATE: _update,
    c.Verb.DELETE: _delete,
    c.Verb.MEMBER_ADD: _member_add,
    c.Verb.MEMBER_REMOVE: _member_remove,
    c.Verb.POLICY_SET: _policy_set,
    c.Verb.POLICY_DELETE: _change,
    c.Verb.MAPPINGS_SET: _mappings_set,
    c.Verb.SYNC: _sync,
    c.Verb.REPLICATE: _replicate,
    c.Verb.REPROTECT: _change,
    c.Verb.SOURCE_CLEANUP: _source_cleanup,
    c.Verb.RESOLVE_SPLIT: _resolve_split,
    c.Verb.REHOME: _rehome,
    c.Verb.FAILOVER: _move,
    c.Verb.FAILBACK: _move,
    c.Verb.TEST_FAILOVER: _drill,
    c.Verb.TEST_CLEANUP: _drill,
}


def propose_mappings(
    runtime: Any, context: RequestContext, group_id: str
) -> Json:
    """Mappings made from both clouds, in the form PUT takes."""
    reader = Reader.of(runtime, group_id, context)
    scene = reader.scene
    group = scene.group
    keypairs = [m.recipe.get("keypair") for m in scene.settled_members]
    return mapping_names.propose(
        reader.tenant(group.primary_site_id),
        reader.tenant(group.secondary_site_id),
        group.current_primary_site_id == group.primary_site_id,
        [k["name"] for k in keypairs if k],
    )

# SPDX-License-Identifier: Apache-2.0
"""The read-only verdict on an unplanned move, before it is accepted.

It is the only look: with the acceptance the group has left its source.
Asks nothing of the source, but for a group that is taken back before it left.
"""

import contextlib
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import exception, states
from protector.clients import types
from protector.db import models
from protector.engine import adoption, membership, points, power, preflight
from protector.engine import scene as scenes
from protector.engine.reading import Reader

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


def check(reader: Reader, verb: str, args: Json) -> None:
    """:raises ProtectorError: as ``check_legal`` does.
    :raises ConfirmationRequired: the source looks healthy, or what is
        parked is wanted although there is a recovery point.
    :raises PreflightFailed: with the findings that stand in the way.
    :raises NoRecoveryPoint: there is nothing to arrive from.
    """
    check_legal(reader.scene, verb)
    _confirmed(reader.scene, verb, args)
    if _reclaims(reader.scene, verb):
        if _answers(reader.scene) is not None:
            adoption.require_untold(reader)
            _require_nothing_runs(reader)
        return
    _newest(reader, args, _choice(reader, args))
    _preflight(reader, verb, args)


def check_legal(scene: scenes.Scene, verb: str) -> None:
    """:raises InvalidStatus: the group has nothing to move, or no status to
    move from."""
    group = scene.group
    refused = states.refusal_unplanned(
        verb, group.name, group.status, group.error_verb
    )
    if refused is None and not scene.settled_members:
        refused = states.no_members(group.name)
    if refused is not None:
        raise refused


def _reclaims(scene: scenes.Scene, verb: str) -> bool:
    """Whether a source takes back what it has released, or what the other
    site claimed and never started: everything is there."""
    group = scene.group
    forward = verb == c.Verb.FAILOVER
    target = group.secondary_site_id if forward else group.primary_site_id
    return target == group.current_primary_site_id


def outlook(reader: Reader, verb: str, args: Json) -> Json:
    """What the steps will find out, for a plan; what preflight tells to be
    missing is left out.

    :raises NoRecoveryPoint: the one that was asked for is not there.
    """
    if _reclaims(reader.scene, verb):
        return {"reclaimed": True}
    try:
        found = _choice(reader, args)
    except (exception.NoRecoveryPoint, exception.ArrayError):
        if args.get("recovery_point_id"):
            raise
        return {}
    return {"point": found.point, "left_out": [m.id for m in found.left_out]}


def _require_nothing_runs(reader: Reader) -> None:
    """What the other site took may run there before it says so.  A cloud
    that is away says nothing; what it runs is quarantined on its return.

    :raises NotPrimarySite: a server of the group is not seen to be down.
    """
    scene = reader.scene
    site = scene.sites[scene.peer_site_id]
    for member in scene.settled_members:
        for server in _servers(reader, member, site.id):
            if server.status in power.DOWN:
                continue
            raise exception.NotPrimarySite(
                f"Server {server.name} ({server.id}) of protection group "
                f"{scene.group.name} is {server.status} at {site.name}, "
                "which has claimed the group.",
                remedy=f"Retry the move at {site.name}, or stop the server.",
                site=site.name,
                site_id=site.id,
                endpoint=site.endpoint,
            )


def _servers(
    reader: Reader, member: models.Member, site_id: str
) -> list[types.Server]:
    """Those of a member at a site, be they recorded or only marked."""
    copy = member.copy(site_id)
    try:
        compute = reader.tenant(site_id).compute
        found: list[types.Server] = compute.list_servers(
            name=member.recipe["name"],
            metadata={membership.MEMBER_MARK: member.id},
        )
        if copy is not None and copy.server_id:
            with contextlib.suppress(exception.CloudNotFound):
                found.append(compute.get_server(copy.server_id))
    except exception.CloudUnavailable as e:
        LOG.info("Nobody knows what runs at site %s: %s", site_id, e)
        return []
    return found


def _confirmed(scene: scenes.Scene, verb: str, args: Json) -> None:
    seen = _answers(scene)
    if args.get("confirm") or seen is None:
        return
    site, group = scene.sites[scene.peer_site_id].name, scene.group.name
    if _reclaims(scene, verb):
        raise exception.ConfirmationRequired(
            f"Site {site}, which has claimed protection group {group}, "
            "answers: what a server wrote that it may have started since "
            "would be left behind.",
            remedy=f"Retry the move at {site}; or, if it is to stay here, "
            "ask again with confirm=true (--confirm).",
            observed_at=seen["at"],
        )
    parked = args.get("recovery_point_id") == c.PARKED_POINT
    since = "what is parked was parked" if parked else "the recovery point"
    raise exception.ConfirmationRequired(
        f"Site {site}, where protection group {group} runs, answers: what "
        f"its servers wrote since {since} would be left behind.",
        observed_at=seen["at"],
    )


def _answers(scene: scenes.Scene) -> Json | None:
    """The observation that the other site answers, if that was the last."""
    seen = scene.group.conditions.get(c.Condition.PEER_REACHABLE)
    return seen if seen and seen["status"] is True else None


def _choice(reader: Reader, args: Json) -> points.Choice:
    source = reader.scene.group.current_primary_site_id
    return points.choose(
        reader,
        source,
        reader.scene.other(source),
        args.get("recovery_point_id"),
    )


def _newest(reader: Reader, args: Json, choice: points.Choice) -> None:
    """Parked content is offered until the source has sent a point."""
    if args.get("confirm") or choice.point != c.PARKED_POINT:
        return
    source = reader.scene.group.current_primary_site_id
    newest = None
    with contextlib.suppress(exception.ArrayError):
        newest = points.newest_point(reader, source)
    if newest is not None:
        raise exception.ConfirmationRequired(
            f"Recovery point {newest.name} of protection group "
            f"{reader.scene.group.name} is newer than what is parked: what "
            "its servers wrote since would be left behind.",
            remedy="Move without choosing what is parked; or ask again with "
            "confirm=true (--confirm).",
        )


def _preflight(reader: Reader, verb: str, args: Json) -> None:
    """Only what can stop it is looked at: it may be urgent."""
    intent = preflight.intent(verb, args)
    # points were looked at to choose one
    blocking = tuple(
        name
        for name in intent.checks
        if name in intent.blocking and name != "points"
    )
    source = reader.scene.group.current_primary_site_id
    preflight.require(
        reader,
        source,
        reader.scene.other(source),
        preflight.Intent(blocking, intent.blocking),
    )

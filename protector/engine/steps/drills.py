# SPDX-License-Identifier: Apache-2.0
"""Steps of a drill: clones of a recovery point, started on test networks.

They make objects of their own, change nothing else, and ask nothing of the
source.
"""

from typing import Any

from protector import constants as c
from protector import exception, times
from protector.clients import types
from protector.db import models
from protector.db.api import drills, operations, recovery_points
from protector.engine import (
    arrival,
    build,
    disks,
    drill,
    drill_removal,
    mapping,
    power,
    preflight,
    replication,
    residue,
    security_groups,
)
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.engine.steps import networks, volumes

Json = dict[str, Any]


# -- the beginning


def begin(ctx: StepContext) -> Json:
    """All that could stop it, at once; then the point, for all members."""
    members = ctx.scene.settled_members
    with ctx.write() as session:
        row = drills.find(session, ctx.scene.group.id)
        row.members = [{"id": m.id, "name": m.instance_name} for m in members]
    wanted = preflight.intent(ctx.operation.kind, ctx.operation.args)
    findings = preflight.require(
        ctx, ctx.source, ctx.target, wanted, ctx.pause
    )
    point = drill.choose_point(
        ctx.driver.list_points(ctx.direction(ctx.source)),
        ctx.known_epochs(),
        ctx.scene.group.epoch,
        _named(ctx),
    )
    inside = replication.members_in(point, members, ctx.source)
    side = ctx.scene.side(ctx.target)
    kind = drill.clone_type(ctx.tenant(ctx.target).volume, side)
    began = ctx.operation.started_at or ctx.clock.now()
    ctx.save_point(
        point.name,
        point_created_at=times.iso(point.created),
        rpo_seconds=max(0, (began - point.created).total_seconds()),
        left_out=[m.id for m in members if m.id not in inside],
        clone_type=kind.id,
    )
    return {
        "findings": [f.as_dict() for f in findings],
        "point": point.name,
        "created_at": times.iso(point.created),
        "message": f"{point.name}, of {times.iso(point.created)}",
    }


def _named(ctx: StepContext) -> str | None:
    """The name of the point that was asked for, if one was."""
    wanted = ctx.operation.args.get("recovery_point_id")
    if wanted is None:
        return None
    with ctx.runtime.db.reader() as session:
        row = recovery_points.get(session, ctx.scene.group.id, wanted)
    if row.source_site_id != ctx.source:
        raise exception.UnexpectedState(
            f"Recovery point {row.name} is not at the site of the drill.",
            remedy="Choose one of the current direction.",
        )
    return row.name


def give_up(ctx: StepContext) -> None:
    """The drill is over; what could not be removed is tried again by the
    end of its lease, which is now."""
    build.forget_keys(ctx)
    now = ctx.clock.now()
    with ctx.write() as session:
        row = drills.find(session, ctx.scene.group.id)
        if ctx.work.problems:
            drills.run(row, None, now)
        else:
            drills.end(row, now)


def _left_out(ctx: StepContext) -> Json | None:
    """The result of a step for a member that the point does not hold."""
    if ctx.member_id not in ctx.data["left_out"]:
        return None
    return {"message": "left out: it is newer than the recovery point"}


# -- the clones


def make_volumes(ctx: StepContext) -> Json:
    """Empty volumes, like the member's, that do not replicate."""
    skipped = _left_out(ctx)
    if skipped:
        return skipped
    patterns = ctx.member.volumes_at(ctx.source)
    ids = [_volume(ctx, pattern) for pattern in patterns]
    for volume_id in ids:
        disks.usable(ctx, ctx.target, volume_id, ("available",))
    client = ctx.tenant(ctx.target).volume
    image = ctx.member.recipe["volumes"][0]["image_metadata"]
    if image:
        client.set_image_metadata(ids[0], image)
    client.set_bootable(ids[0], True)
    return {"volumes": ids}


def _volume(ctx: StepContext, pattern: models.VolumeCopy) -> str:
    known = drill.made(ctx, drill.VOLUMES).get(str(pattern.ordinal))
    if known is not None:
        return known
    found = _marked_volume(ctx, pattern.ordinal)
    if found is None:
        recipe = ctx.member.recipe["volumes"][pattern.ordinal]
        found = ctx.tenant(ctx.target).volume.create(
            name=drill.name(recipe["name"]),
            size=pattern.size_gb,
            volume_type=ctx.data["clone_type"],
            metadata=recipe["metadata"]
            | drill.volume_marks(ctx, pattern.ordinal),
            description=recipe["description"],
        )
    drill.note(ctx, drill.VOLUMES, pattern.ordinal, found.id)
    return found.id


def _marked_volume(ctx: StepContext, ordinal: int) -> types.Volume | None:
    marks = drill.volume_marks(ctx, ordinal)
    found = ctx.tenant(ctx.target).volume.made(marks)
    return residue.oldest(ctx, "volume", found, "created_at")


def unmake_volumes(ctx: StepContext) -> None:
    """Also those whose making was not recorded any more."""
    for pattern in ctx.member.volumes_at(ctx.source):
        found = _marked_volume(ctx, pattern.ordinal)
        if found is not None:
            drill.note(ctx, drill.VOLUMES, pattern.ordinal, found.id)
    drill_removal.drop_volumes(ctx)


def clone(ctx: StepContext) -> Json:
    """The volumes get the content of the recovery point, on the array."""
    skipped = _left_out(ctx)
    if skipped:
        return skipped
    ctx.save(staged=True)
    array = ctx.array(ctx.target)
    made = drill.made(ctx, drill.VOLUMES)
    sources = ctx.member.volumes_at(ctx.source)
    for source in sources:
        volume_id = made[str(source.ordinal)]
        found = ctx.tenant(ctx.target).volume.get(volume_id)
        name = found.provider_id or ctx.driver.array_volume_name(volume_id)
        drill.note(ctx, drill.ARRAY_VOLUMES, source.ordinal, name)
        ctx.driver.get_volume(array, name)
        ctx.driver.overwrite(
            ctx.direction(ctx.source),
            ctx.data["point"],
            str(source.array_volume),
            name,
            arrival.staging_name(ctx, ctx.member, source.ordinal),
        )
    return {"volumes": len(sources)}


# -- the ports


def make_ports(ctx: StepContext) -> Json:
    """The member's ports on the test networks, with the same MAC and, where
    a subnet holds them, addresses."""
    skipped = _left_out(ctx)
    if skipped:
        return skipped
    with ctx.work.turn:
        # members share security groups
        groups = security_groups.ensure_own(ctx, ctx.target, _own_groups(ctx))
    patterns = ctx.member.recipe["ports"]
    ids = [_port(ctx, n, p, groups) for n, p in enumerate(patterns)]
    return {"ports": ids}


def _own_groups(ctx: StepContext) -> security_groups.Own:
    """A group that a real move would find by its name must not go with the
    drill."""
    return security_groups.Own(
        mark=f"({drill.text_mark(drill.id_of(ctx))})",
        suffix=drill.SUFFIX,
        record=lambda i: drill.note(ctx, drill.SECURITY_GROUPS, i, i),
    )


def _port(
    ctx: StepContext, number: int, pattern: Json, groups: dict[str, Json]
) -> str:
    known = drill.made(ctx, drill.PORTS).get(str(number))
    if known is not None:
        return known
    found = _marked_port(ctx, number)
    if found is None:
        mapper = mapping.DrillMapper(ctx.scene, ctx.target)
        body = networks.port_body(ctx, ctx.target, mapper, pattern)
        # names are published outside of the test network
        body.pop("dns_name", None)
        body |= networks.secured(pattern, groups)
        body["description"] = drill.port_mark(ctx, number)
        found = ctx.tenant(ctx.target).network.create_port(body)
    drill.note(ctx, drill.PORTS, number, found.id)
    return found.id


def _marked_port(ctx: StepContext, number: int) -> types.Port | None:
    found = ctx.tenant(ctx.target).network.ports(
        description=drill.port_mark(ctx, number),
        project_id=ctx.scene.project(ctx.target),
    )
    return residue.oldest(ctx, "port", found, "created_at")


def unmake_ports(ctx: StepContext) -> None:
    for number in range(len(ctx.member.recipe["ports"])):
        found = _marked_port(ctx, number)
        if found is not None:
            drill.note(ctx, drill.PORTS, number, found.id)
    drill_removal.drop_ports(ctx)
    drill_removal.drop_security_groups(ctx)


# -- the servers


def start(ctx: StepContext) -> Json:
    """The member's server, as far as it came: one that does not start is
    what the drill finds out."""
    skipped = _left_out(ctx)
    if skipped:
        return skipped
    server_id = build.assemble(ctx, ctx.member, _parts(ctx))
    drill.note(ctx, drill.SERVERS, 0, server_id)
    ended = (power.RUNNING, *power.GONE_WRONG)

    def done(found: types.Server | None) -> types.Server | None:
        return found if found is not None and found.status in ended else None

    try:
        server = ctx.servers(ctx.target).wait(server_id, done, ctx.remaining)
    except exception.DeadlineExceeded:
        server = ctx.tenant(ctx.target).compute.get_server(server_id)
    return {
        "server_id": server_id,
        "status": server.status,
        "fault": server.fault,
        "message": f"server {server_id} is {server.status}",
    }


def _parts(ctx: StepContext) -> build.Parts:
    disks_made = drill.made(ctx, drill.VOLUMES)
    ports = drill.made(ctx, drill.PORTS)
    return build.Parts(
        name=drill.name(ctx.member.recipe["name"]),
        marks=drill.marks(ctx),
        ports=[ports[key] for key in sorted(ports, key=int)],
        volumes=[
            (v.boot_index, disks_made[str(v.ordinal)])
            for v in ctx.member.volumes_at(ctx.source)
        ],
        # the server groups are those of the real servers
        hints=build.own_hints(ctx.member),
    )


def unmake_server(ctx: StepContext) -> None:
    parts = drill.name(ctx.member.recipe["name"]), drill.marks(ctx)
    found = build.marked(ctx, *parts)
    if found is not None:
        drill.note(ctx, drill.SERVERS, 0, found.id)
    drill_removal.drop_server(ctx)


# -- the end


def settle(ctx: StepContext) -> Json:
    """The verdict; and from now on the lease runs."""
    now = ctx.clock.now()
    expires_at = drill.expiry(ctx, now)
    with ctx.write() as session:
        operations.pass_no_return(session, ctx.work.lease.token)
        verdict = _verdict(operations.get(session, ctx.operation.id))
        row = drills.find(session, ctx.scene.group.id)
        drills.run(row, verdict, expires_at)
        operations.save_data(
            session,
            ctx.work.lease.token,
            verdict=str(verdict),
            expires_at=times.iso(expires_at),
        )
    return {
        "verdict": str(verdict),
        "expires_at": times.iso(expires_at),
        "message": f"{verdict}; until {times.iso(expires_at)}",
    }


def _verdict(operation: models.Operation) -> c.Verdict:
    """Passed when every member passed every check."""
    told = [s.result or {} for s in operation.steps if s.name == CHECK]
    passed = all(
        result.get("checks") and all(one["ok"] for one in result["checks"])
        for result in told
    )
    return c.Verdict.PASSED if told and passed else c.Verdict.FAILED


CHECK = "drills.check"
STEPS = (
    Step("drills.begin", begin, undo=give_up),
    Step("drills.volumes", make_volumes, 3, undo=unmake_volumes),
    Step("drills.clone", clone, 5, undo=volumes.unstage),
    Step("drills.ports", make_ports, 2, undo=unmake_ports),
    Step("drills.start", start, 10, undo=unmake_server),
    Step("drills.settle", settle),
)

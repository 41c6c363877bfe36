# SPDX-License-Identifier: Apache-2.0
"""That stuck is impossible: once everything is healed, time and what the
group itself says is allowed lead to a group that is protected again."""

from collections.abc import Iterator
import contextlib
import datetime
from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector.db import models
from protector.engine import service
from protector.tests.model import bed as beds
from protector.tests.model import invariants, world

ROUNDS = 14
PAUSE = 120.0


@contextlib.contextmanager
def told(machine: Any) -> Iterator[None]:
    """A violation is counted; nothing is checked after it."""
    try:
        yield
    except AssertionError:
        machine.bad = True
        machine.counts["violations"] += 1
        raise


def end_well(bed: beds.Bed, watch: invariants.Watch) -> None:
    """:raises Violation: it does not come to a good end."""
    for site in bed.sites.values():
        site.fate.kind = None
        site.thaw()
    bed.find()
    bed.cut()
    bed.start()
    bed.run(60)
    for number in range(ROUNDS):
        bed.settle(6 * 3600)
        watch.check()
        shown = {letter: beds.Shown(bed, letter) for letter in "ab"}
        drill = any(_has_drill(found) for found in shown.values())
        busy = drill or (watch.forgot and _start_held(bed))
        if not busy and all(_is_well(found) for found in shown.values()):
            _audit(bed, watch)
            return
        if watch.forgot:
            _give_up_unknown(bed, watch)
        _help(bed, shown, drill, number)
        bed.run(PAUSE)
    raise invariants.Violation(f"no way out: {_described(bed)}")


def _is_well(shown: beds.Shown) -> bool:
    return (
        shown.body.get("status") in ("active", "failed_over")
        and shown.holds(c.Condition.METADATA_IN_SYNC)
        and shown.holds(c.Condition.FAILOVER_READY)
        and not shown.holds(c.Condition.SPLIT)
        and not shown.holds(c.Condition.PARTIAL)
    )


def _has_drill(shown: beds.Shown) -> bool:
    drill = shown.body.get("drill") or {}
    return drill.get("status") in ("starting", "running")


def _help(
    bed: beds.Bed, shown: dict[str, beds.Shown], drill: bool, number: int
) -> None:
    """What a user would do next, if anything.

    :param number: how often something was done: what does not help is not
        repeated each time.
    """
    if not any(found.allowed for found in shown.values()):
        raise invariants.Violation(f"no action is allowed: {_described(bed)}")
    if any(found.holds(c.Condition.SPLIT) for found in shown.values()):
        keep = bed.sites["a"].site_id
        _act(bed, c.Verb.RESOLVE_SPLIT, {"keep_site_id": keep})
        return
    if number % 2 == 0 and _retry(bed):
        return
    if drill:
        _act(bed, c.Verb.TEST_CLEANUP, {})
        return
    if any(f.holds(c.Condition.PEER_REGRESSED) for f in shown.values()):
        for site in bed.sites.values():
            site.ask("POST", f"{_path(bed)}/sync-force")
        return
    if _one_of_two(bed, shown):
        return
    if _take_back(bed, shown) or _move_again(bed, shown):
        return
    if not _remove_broken(bed):
        _reprotect(bed, shown)


def _reprotect(bed: beds.Bed, shown: dict[str, beds.Shown]) -> None:
    for letter, found in shown.items():
        if found.holds(c.Condition.REPLICATION_CONFIGURED) is False:
            bed.sites[letter].ask(
                "POST", f"{_path(bed)}/action", {c.Verb.REPROTECT: {}}
            )


def _one_of_two(bed: beds.Bed, shown: dict[str, beds.Shown]) -> bool:
    """A server runs that is parked by the records: it is shelved, unless
    it is the one that is left; whether there was one."""
    for letter, found in shown.items():
        if found.reason(c.Condition.SOURCE_FENCED) != invariants.RUNS:
            continue
        for server in world.running(bed, letter, "web"):
            if world.running(bed, world.OTHER[letter], "web"):
                bed.clouds[letter].compute.shelve(server.id)
                continue
            verb = c.Verb.FAILBACK if letter == "a" else c.Verb.FAILOVER
            args = {"type": "unplanned", "recovery_point": c.PARKED_POINT}
            body = {verb: args | {"confirm": True}}
            bed.sites[letter].ask("POST", f"{_path(bed)}/action", body)
        return True
    return False


def _take_back(bed: beds.Bed, shown: dict[str, beds.Shown]) -> bool:
    """A group that was given away, to a site that does not know of it any
    more, is taken back where it was; whether there was one."""
    for letter, found in shown.items():
        home = found.body.get("current_primary_site_id")
        moves = found.body.get("status") in (
            c.GroupStatus.FAILING_OVER,
            c.GroupStatus.FAILING_BACK,
        )
        if not moves or home != bed.sites[letter].site_id:
            continue
        verb = c.Verb.FAILBACK if letter == "a" else c.Verb.FAILOVER
        if f"unplanned_{verb}" in found.allowed:
            args = {"type": "unplanned", "confirm": True}
            bed.sites[letter].ask("POST", f"{_path(bed)}/action", {verb: args})
            return True
    return False


def _move_again(bed: beds.Bed, shown: dict[str, beds.Shown]) -> bool:
    """A claim that did not settle is made again where it was made."""
    newest = max(int(f.body.get("epoch", 0)) for f in shown.values())
    for letter, found in shown.items():
        home = found.body.get("current_primary_site_id")
        claims = found.body.get("epoch") == newest
        if not claims or home == bed.sites[letter].site_id:
            continue
        verb = c.Verb.FAILBACK if letter == "a" else c.Verb.FAILOVER
        args = {"type": "unplanned", "confirm": True}
        path = f"{_path(bed)}/action"
        if newest % 2 == (letter == "a"):
            return bed.sites[letter].ask("POST", path, {verb: args})[0] < 300
    return False


def _start_held(bed: beds.Bed) -> bool:
    """What a move stopped that its site forgot is started, as it is told;
    whether there was something."""
    found = [
        (letter, server)
        for letter, cloud in bed.clouds.items()
        for server_id in _live(bed, letter, world.held(bed, letter))
        for server in [cloud.compute.rows.get(server_id)]
        if server and server.locked and server.status != world.RUNNING
    ]
    for letter, server in found:
        _, body = bed.sites[letter].ask("GET", f"{_path(bed)}/health")
        told = [
            finding["message"]
            for finding in body["health"]["findings"]
            if finding["code"] == c.Finding.LIVE_SERVER_HELD
        ]
        if any(server.id in message for message in told):
            bed.clouds[letter].compute.unlock(server.id)
            bed.clouds[letter].compute.start(server.id)
    return bool(found)


def _give_up_unknown(bed: beds.Bed, watch: invariants.Watch) -> None:
    """Somebody deletes servers of Protector's that run at a site which went
    back in time, and that neither site knows."""
    members = [
        member
        for letter in bed.sites
        for held in [world.held(bed, letter)]
        for member in (held.members if held else ())
    ]
    for letter, cloud in bed.clouds.items():
        site_id = bed.sites[letter].site_id
        copies = [member.copy(site_id) for member in members]
        known = set(bed.servers.values())
        known |= {str(copy.server_id) for copy in copies if copy}
        for server in list(cloud.compute.rows.values()):
            if server.id not in known and "protector_member" in (
                server.metadata
            ):
                content = world.contents(bed, letter, server.id)
                watch.given_up.update(content)
                cloud.compute.delete_server(server.id)


def _remove_broken(bed: beds.Bed) -> bool:
    """A member whose addition was cancelled or failed, or that a move left
    behind, is removed where the group runs."""
    for letter, site in bed.sites.items():
        held = world.held(bed, letter)
        for member in held.members if held else ():
            copy = member.copy(site.site_id)
            runs = copy is None or copy.role == c.CopyRole.LIVE
            if member.status == c.MemberStatus.ERROR or not runs:
                path = f"{_path(bed)}/members/{member.id}"
                if site.ask("DELETE", path)[0] < 300:
                    return True
    return False


def _path(bed: beds.Bed) -> str:
    return f"/protection-groups/{bed.group_id}"


def _act(bed: beds.Bed, verb: str, args: Any) -> None:
    for site in bed.sites.values():
        status, _ = site.ask("POST", f"{_path(bed)}/action", {verb: args})
        if status < 300:
            return


def _retry(bed: beds.Bed) -> bool:
    """The last operation that failed is run again, where it ran."""
    op = models.Operation
    for site in bed.sites.values():
        statement = (
            sa.select(op.id)
            .where(
                op.protection_group_id == bed.group_id,
                op.executor_site_id == site.site_id,
            )
            .order_by(op.created_at.desc())
            .limit(1)
        )
        with site.runtime.db.reader() as session:
            last = session.scalar(statement)
        if last is None:
            continue
        _, body = site.ask("GET", f"/operations/{last}")
        if "retry" in body["operation"]["allowed_actions"]:
            status, _ = site.ask(
                "POST", f"/operations/{last}/action", {"retry": {}}
            )
            if status < 300:
                return True
    return False


def _audit(bed: beds.Bed, watch: invariants.Watch) -> None:
    """No orphan and no duplicate, what is said to run runs, and all of it
    was seen at both sites."""
    bed.run(2 * beds.MIRROR_SECONDS)
    orphans = not watch.forgot and any(_orphans(bed, at) for at in "ab")
    if orphans or _staging(bed, watch):
        # what nobody has recorded is looked for now and then
        bed.run(service.UNDO_INTERVAL + 2 * beds.MIRROR_SECONDS)
    for letter in "ab":
        found = world.held(bed, letter)
        if found is None:
            raise invariants.Violation(f"the group is gone at {letter}")
        _runs(bed, letter, found)
        if watch.forgot:
            continue
        if orphans := _orphans(bed, letter):
            raise invariants.Violation(f"orphans at {letter}: {orphans}")
        _mirrored(bed, letter, found)
    if left := _staging(bed, watch):
        raise invariants.Violation(f"staging is left: {left}")


def _staging(bed: beds.Bed, watch: invariants.Watch) -> list[str]:
    """What is staged.  A site that went back in time cannot tell whose that
    is which it does not know, not even of which Protector's."""
    return [
        name
        for letter, array in bed.arrays.arrays.items()
        for name, volume in array.volumes.items()
        if name.startswith("protector-") and not volume.destroyed
        if not watch.forgot or _is_known(bed, letter, name)
    ]


def _is_known(bed: beds.Bed, letter: str, name: str) -> bool:
    held = world.held(bed, letter)
    return held is not None and any(o.id in name for o in held.operations)


def _runs(bed: beds.Bed, letter: str, found: world.Held) -> None:
    rows = bed.clouds[letter].compute.rows
    for server_id in _live(bed, letter, found):
        server = rows.get(server_id)
        if server is None or server.status != world.RUNNING or server.locked:
            raise invariants.Violation(
                f"observed: {server_id} runs at {letter}, but {server}"
            )


def _live(bed: beds.Bed, letter: str, found: world.Held | None) -> list[str]:
    """Ids of the servers that run at a site by its records.  What an
    unplanned move left is live elsewhere until it is parked."""
    site_id = bed.sites[letter].site_id
    if found is None or not found.current(site_id):
        return []
    copies = [member.copy(site_id) for member in found.members]
    return [
        str(copy.server_id)
        for copy in copies
        if copy is not None and copy.role == c.CopyRole.LIVE
    ]


def _orphans(bed: beds.Bed, letter: str) -> list[str]:
    """What is neither the tenant's own, nor recorded, nor told as left."""
    found = world.held(bed, letter)
    if found is None:
        return []
    site_id = bed.sites[letter].site_id
    cloud = bed.clouds[letter]
    known = set(bed.servers.values()) | residue(found)
    known |= {
        str(copy.server_id)
        for m in found.members
        for copy in [m.copy(site_id)]
        if copy
    }
    known |= {
        str(v.cinder_id) for m in found.members for v in m.volumes_at(site_id)
    }
    members = {m.instance_name for m in found.members}
    for server in cloud.compute.rows.values():
        if server.name in dict(beds.SERVERS) and server.name not in members:
            # it left the group where it ran, and is the tenant's own
            known.add(server.id)
        if server.id in known:
            known |= {d.volume_id for d in cloud.compute.disks[server.id]}
    return sorted({*cloud.compute.rows, *cloud.volume.rows} - known)


def _mirrored(bed: beds.Bed, letter: str, found: world.Held) -> None:
    """What ended here a while ago is shown so at the other site."""
    there = world.held(bed, world.OTHER[letter])
    shown = {o.id: o.status for o in there.operations} if there else {}
    clock = bed.sites[letter].runtime.clock
    lately = clock.now() - datetime.timedelta(seconds=2 * beds.MIRROR_SECONDS)
    for operation in found.operations:
        if operation.executor_site_id != bed.sites[letter].site_id:
            continue
        if operation.finished_at is None or operation.finished_at > lately:
            continue
        if shown.get(operation.id) != operation.status:
            raise invariants.Violation(
                f"seen: {operation.kind} of {letter} is {operation.status}, "
                f"and {shown.get(operation.id)} at the other site"
            )


def residue(found: world.Held) -> set[str]:
    """Ids of what operations tell that they left."""
    return {
        entry["id"]
        for operation in found.operations
        for entry in (operation.result or {}).get("residue", ())
    }


def _described(bed: beds.Bed) -> str:
    lines = []
    for letter in "ab":
        body = beds.Shown(bed, letter).body
        conditions = [
            (found["type"], found["status"], found["reason"])
            for found in body.get("conditions", ())
        ]
        lines.append(
            f"{letter}: {body.get('status')} epoch {body.get('epoch')} "
            f"version {body.get('metadata_version')} {conditions}, "
            f"allowed {body.get('allowed_actions')}"
        )
    return "; ".join(lines)

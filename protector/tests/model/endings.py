# SPDX-License-Identifier: Apache-2.0
"""That stuck is impossible: once everything is healed, time and what the
group itself says is allowed lead to a group that is protected again."""

from collections.abc import Iterator
import contextlib
from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector.db import models
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
    bed.links.dark.clear()
    bed.cut()
    bed.start()
    bed.run(60)
    for _ in range(ROUNDS):
        bed.settle(6 * 3600)
        watch.check()
        shown = {letter: beds.Shown(bed, letter) for letter in "ab"}
        if all(_is_well(found) for found in shown.values()):
            _audit(bed)
            return
        _help(bed, shown)
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


def _help(bed: beds.Bed, shown: dict[str, beds.Shown]) -> None:
    """What a user would do next, if anything."""
    for letter, found in shown.items():
        if found.body and not found.allowed:
            raise invariants.Violation(
                f"no action is allowed at {letter}: {_described(bed)}"
            )
    if any(found.holds(c.Condition.SPLIT) for found in shown.values()):
        keep = bed.sites["a"].site_id
        _act(bed, c.Verb.RESOLVE_SPLIT, {"keep_site_id": keep})
        return
    if _retry(bed):
        return
    for letter, found in shown.items():
        if found.holds(c.Condition.REPLICATION_CONFIGURED) is False:
            bed.sites[letter].ask(
                "POST", f"{_path(bed)}/action", {c.Verb.REPROTECT: {}}
            )


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


def _audit(bed: beds.Bed) -> None:
    """No orphan and no duplicate, and what is said to run runs."""
    held = {letter: world.held(bed, letter) for letter in "ab"}
    for letter, found in held.items():
        if found is None:
            raise invariants.Violation(f"the group is gone at {letter}")
        _volumes(bed, letter, found)
        _servers(bed, letter, found)
    for array in bed.arrays.arrays.values():
        left = [
            name
            for name, volume in array.volumes.items()
            if name.startswith("protector-") and not volume.destroyed
        ]
        if left:
            raise invariants.Violation(f"staging is left: {left}")


def _volumes(bed: beds.Bed, letter: str, found: world.Held) -> None:
    site_id = bed.sites[letter].site_id
    known = {v.cinder_id for m in found.members for v in m.volumes_at(site_id)}
    cloud = bed.clouds[letter]
    known |= {
        disk.volume_id
        for server_id in bed.servers.values()
        for disk in cloud.compute.disks.get(server_id, ())
    }
    if orphans := set(cloud.volume.rows) - known:
        raise invariants.Violation(f"orphans at {letter}: {sorted(orphans)}")


def _servers(bed: beds.Bed, letter: str, found: world.Held) -> None:
    site_id = bed.sites[letter].site_id
    compute = bed.clouds[letter].compute
    known = set(bed.servers.values())
    for member in found.members:
        copy = member.copy(site_id)
        if copy is None or not copy.server_id:
            continue
        known.add(copy.server_id)
        server = compute.rows.get(copy.server_id)
        # one that an unplanned move left is live until it is parked
        lives = found.current(site_id) and copy.role == c.CopyRole.LIVE
        if lives and (server is None or server.status != world.RUNNING):
            raise invariants.Violation(
                f"observed: {copy.server_id} runs at {letter}, but is "
                f"{server and server.status}"
            )
        if lives and server is not None and server.locked:
            raise invariants.Violation(f"{server.id} is locked and runs")
    if orphans := set(compute.rows) - known:
        raise invariants.Violation(f"orphans at {letter}: {sorted(orphans)}")


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

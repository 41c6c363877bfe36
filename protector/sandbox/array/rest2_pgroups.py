# SPDX-License-Identifier: Apache-2.0
"""REST 2.x: protection groups, their members, their targets.

Times of plans travel in milliseconds, retention in seconds.
"""

from collections.abc import Mapping
import json
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors, names, rest2
from protector.sandbox.array.params import ANY, BOOL, LIST, TEXT
from protector.sandbox.array.rest2 import Call, Item, Route
from protector.sandbox.array.rest2_volumes import asked

_KIND = "Protection group"
_MEMBERS = {"group_names": LIST, "member_names": LIST}
_SCHEDULES = {"replication_schedule": "replicate", "snapshot_schedule": "snap"}
_RETENTIONS = {"source_retention": "", "target_retention": "target_"}
_KEEP = {"all_for_sec": "all_for", "days": "days", "per_day": "per_day"}
_ALONE = ("name", "destroyed", "retention_lock")
_CHANGES = (*_ALONE, *_SCHEDULES, *_RETENTIONS)


def group_view(call: Call, row: Row) -> Item:
    """A group as REST 2.x shows it."""
    shown = call.array.pgroups.describe(row)
    schedule = json.loads(row["schedule"])
    retention = json.loads(row["retention"])
    return {
        "name": shown["name"],
        "source": rest2.reference(shown["source"]),
        "is_local": not row["origin"],
        "pod": rest2.pod_of(shown["name"]),
        "destroyed": row["destroyed"] is not None,
        "time_remaining": rest2.remaining(call.array, row["destroyed"]),
        "volume_count": len(shown["volumes"] or ()),
        "host_count": len(shown["hosts"] or ()),
        "host_group_count": 0,
        "target_count": len(shown["targets"] or ()),
        "retention_lock": row["retention_lock"],
        **{
            name: _schedule_view(schedule, kind)
            for name, kind in _SCHEDULES.items()
        },
        **{
            name: {
                key: retention[prefix + ours] for key, ours in _KEEP.items()
            }
            for name, prefix in _RETENTIONS.items()
        },
    }


def _schedule_view(schedule: Mapping[str, Any], kind: str) -> Item:
    shown = {
        "enabled": schedule[f"{kind}_enabled"],
        "frequency": rest2.ms(schedule[f"{kind}_frequency"]),
        "at": rest2.ms(schedule[f"{kind}_at"]),
    }
    blackout = schedule.get(f"{kind}_blackout")
    if blackout:
        shown["blackout"] = {k: rest2.ms(v) for k, v in blackout.items()}
    return shown


def listing(call: Call) -> list[Item]:
    """GET protection-groups."""
    items = [group_view(call, row) for row in call.array.pgroups.listing()]
    return asked(call, items, _KIND)


def create(call: Call) -> list[Item]:
    """POST protection-groups."""
    with call.array.core.store.transaction():
        rows = [call.array.pgroups.create(name) for name in call.named()]
    return [group_view(call, row) for row in rows]


def change(call: Call) -> list[Item]:
    """PATCH protection-groups: plans, or the name, or life and death."""
    kinds = [kind for kind in _CHANGES if kind in call.body]
    alone = set(_ALONE) & set(kinds)
    if not kinds or (alone and len(kinds) > 1):
        raise errors.ArrayError(
            "Exactly one kind of change is needed.", ", ".join(call.named())
        )
    with call.array.core.store.transaction():
        rows = [_change(call, kinds, name) for name in call.named()]
    call.array.links.tell_all()
    return [group_view(call, row) for row in rows]


def _change(call: Call, kinds: list[str], name: str) -> Row:
    groups, given = call.array.pgroups, call.body
    if kinds == ["name"]:
        return groups.rename(name, given["name"])
    if kinds == ["retention_lock"]:
        return groups.lock(name, given["retention_lock"])
    if kinds == ["destroyed"]:
        return (groups.destroy if given["destroyed"] else groups.recover)(name)
    for kind in kinds:
        groups.set_plan(name, _plan(kind, given[kind]))
    return groups.show(name)


def _plan(kind: str, given: Any) -> dict[str, Any]:
    """A part of a plan in the model's words and seconds."""
    if not isinstance(given, Mapping):
        raise errors.ArrayError(f"Invalid value for {kind}.", kind)
    if kind in _RETENTIONS:
        known = {k: _RETENTIONS[kind] + v for k, v in _KEEP.items()}
    else:
        known = {
            key: f"{_SCHEDULES[kind]}_{key}"
            for key in ("enabled", "frequency", "at", "blackout")
        }
    for key in given:
        if key not in known:
            raise errors.ArrayError(f"Unknown parameter: {key}.", kind)
    return {
        known[key]: _seconds(key, value) if kind in _SCHEDULES else value
        for key, value in given.items()
    }


def _seconds(key: str, value: Any) -> Any:
    """Milliseconds as seconds; an array takes whole seconds only."""
    if isinstance(value, Mapping):
        return {k: _seconds(k, v) for k, v in value.items()}
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if value % 1000:
        raise errors.ArrayError(f"Invalid value for {key}.", key)
    return value // 1000


def eradicate(call: Call) -> list[Item]:
    """DELETE protection-groups: eradicate destroyed ones."""
    array = call.array
    with array.core.store.transaction():
        for name in call.named():
            array.pgsnaps.eradicate_group(name)
    return []


# -- members


def volumes(call: Call) -> list[Item]:
    """GET protection-groups/volumes."""
    return [
        {"group": {"name": group}, "member": {"name": member}}
        for group, shown in _described(call)
        for member in shown["volumes"] or ()
        if member in call.query.get("member_names", [member])
    ]


def add_volumes(call: Call) -> list[Item]:
    """POST protection-groups/volumes; an empty list is accepted."""
    return _members(call, call.array.pgroups.add_members)


def remove_volumes(call: Call) -> list[Item]:
    """DELETE protection-groups/volumes."""
    _members(call, call.array.pgroups.remove_members)
    return []


def _members(call: Call, do: Any) -> list[Item]:
    members = call.query.get("member_names") or []
    with call.array.core.store.transaction():
        for group in call.named("group_names"):
            do(group, "vol", members)
    call.array.links.tell_all()
    return [
        {"group": {"name": group}, "member": {"name": member}}
        for group in call.named("group_names")
        for member in members
    ]


# -- targets


def targets(call: Call) -> list[Item]:
    """GET protection-groups/targets."""
    return [
        {
            "group": {"name": group},
            "member": {"name": target["name"]},
            "allowed": target["allowed"],
        }
        for group, shown in _described(call)
        for target in shown["targets"] or ()
        if target["name"] in call.query.get("member_names", [target["name"]])
    ]


def add_targets(call: Call) -> list[Item]:
    """POST protection-groups/targets."""
    return _targets(call, call.array.targets.add)


def remove_targets(call: Call) -> list[Item]:
    """DELETE protection-groups/targets."""
    _targets(call, call.array.targets.remove)
    return []


def _targets(call: Call, do: Any) -> list[Item]:
    with call.array.core.store.transaction():
        for group in call.named("group_names"):
            do(group, call.named("member_names"))
    call.array.links.tell_all()
    return [
        item
        for item in targets(call)
        if item["member"]["name"] in call.named("member_names")
    ]


def allow(call: Call) -> list[Item]:
    """PATCH protection-groups/targets: on the target array."""
    if not isinstance(call.body.get("allowed"), bool):
        raise errors.ArrayError("allowed is needed.")
    for group in call.named("group_names"):
        call.array.targets.allow(group, call.body["allowed"])
    call.array.links.tell_all()
    return targets(call)


def _described(call: Call) -> list[tuple[str, Item]]:
    """The groups that are asked for, by name. Raises ``ArrayError``."""
    held = call.array.pgroups
    wanted = call.query.get("group_names")
    if wanted is None:
        rows = [row for row in held.listing() if row["destroyed"] is None]
    else:
        rows = [held.show(name, pending=True) for name in wanted]
    return [
        (names.qualified(row["origin"], row["name"]), held.describe(row))
        for row in rows
    ]


ROUTES = [
    Route(
        "GET",
        "protection-groups",
        listing,
        rest2.LIST | rest2.DESTROYED | rest2.NAMES,
    ),
    Route("POST", "protection-groups", create, rest2.NAMES),
    Route(
        "PATCH",
        "protection-groups",
        change,
        rest2.NAMES,
        {
            "name": TEXT,
            "destroyed": BOOL,
            "retention_lock": TEXT,
            **dict.fromkeys((*_SCHEDULES, *_RETENTIONS), ANY),
        },
    ),
    Route("DELETE", "protection-groups", eradicate, rest2.NAMES),
    Route("GET", "protection-groups/volumes", volumes, rest2.LIST | _MEMBERS),
    Route("POST", "protection-groups/volumes", add_volumes, _MEMBERS),
    Route("DELETE", "protection-groups/volumes", remove_volumes, _MEMBERS),
    Route("GET", "protection-groups/targets", targets, rest2.LIST | _MEMBERS),
    Route("POST", "protection-groups/targets", add_targets, _MEMBERS),
    Route("DELETE", "protection-groups/targets", remove_targets, _MEMBERS),
    Route(
        "PATCH",
        "protection-groups/targets",
        allow,
        _MEMBERS,
        {"allowed": BOOL},
    ),
]

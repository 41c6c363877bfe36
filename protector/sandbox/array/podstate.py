# SPDX-License-Identifier: Apache-2.0
"""A pod's state as one array tells it to the other.

Rows refer to each other by what both arrays know: serials of volumes and
snapshots, identities of groups. Host connections are each array's own; only
their number is told. Who tells whom, and when, is the stretch's to say.
"""

from collections.abc import Callable, Mapping
import json
from sqlite3 import Row
from typing import Any

from protector.sandbox.array.store import Store

State = dict[str, Any]
Rows = list[dict[str, Any]]
Ids = dict[tuple[Any, ...], int]
Key = Callable[[Mapping[str, Any]], tuple[Any, ...]]

_VOLUMES = (
    "SELECT v.*, (SELECT COUNT(*) FROM connections c"
    " WHERE c.volume_id = v.id) AS connected"
    " FROM volumes v WHERE v.pod_id = ? ORDER BY v.serial"
)
_KNOWN_VOLUMES = (
    "SELECT id, serial FROM volumes WHERE pod_id = ?"
    " OR serial IN (SELECT value FROM json_each(?))"
)
_GROUPS = "SELECT * FROM pgroups WHERE pod_id = ? ORDER BY uid"
_PGSNAPS = (
    "SELECT p.* FROM pgsnaps p JOIN pgroups g ON g.id = p.pgroup_id"
    " WHERE g.pod_id = ? ORDER BY g.uid, p.suffix"
)
_SNAPSHOTS = (
    "SELECT s.* FROM snapshots s LEFT JOIN volumes v ON v.id = s.volume_id"
    " LEFT JOIN pgsnaps p ON p.id = s.pgsnap_id"
    " LEFT JOIN pgroups g ON g.id = p.pgroup_id"
    " WHERE (s.pgsnap_id IS NULL AND v.pod_id = ?1) OR g.pod_id = ?1"
    " ORDER BY s.serial"
)
_MEMBERS = (
    "SELECT m.pgroup_id, m.volume_id FROM pgroup_volumes m"
    " JOIN pgroups g ON g.id = m.pgroup_id WHERE g.pod_id = ?"
)
_TAGS = (
    "SELECT t.* FROM tags t JOIN volumes v ON v.id = t.volume_id"
    " WHERE v.pod_id = ? ORDER BY t.volume_id, t.namespace, t.key"
)


def dump(store: Store, pod: Row) -> State:
    """Return all that the other array of a pod must know."""
    volumes, groups = store.all(_VOLUMES, pod["id"]), []
    serials = {row["id"]: row["serial"] for row in volumes}
    uids = {row["id"]: row["uid"] for row in store.all(_GROUPS, pod["id"])}
    taken = store.all(_PGSNAPS, pod["id"])
    keys = {row["id"]: [uids[row["pgroup_id"]], row["suffix"]]
            for row in taken}  # fmt: skip
    groups = [_bare(row) for row in store.all(_GROUPS, pod["id"])]
    return {
        **{k: pod[k] for k in ("uid", "name", "home", "destroyed",
                               "mediator", "failover")},
        "volumes": [_bare(row, "elsewhere") for row in volumes],
        "tags": [
            {**dict(row), "volume_id": serials[row["volume_id"]]}
            for row in store.all(_TAGS, pod["id"])
        ],
        "pgroups": groups,
        "members": sorted(
            [uids[row["pgroup_id"]], serials[row["volume_id"]]]
            for row in store.all(_MEMBERS, pod["id"])
        ),
        "pgsnaps": [
            {**_bare(row), "pgroup_id": uids[row["pgroup_id"]]}
            for row in taken
        ],
        "snapshots": [
            {
                **_bare(row),
                "volume_id": serials.get(row["volume_id"]),
                "pgsnap_id": keys.get(row["pgsnap_id"]),
            }
            for row in store.all(_SNAPSHOTS, pod["id"])
        ],
    }  # fmt: skip


def _bare(row: Row, *also: str) -> dict[str, Any]:
    """Return a row without what only the array that tells it knows."""
    own = ("id", "pod_id", *also)
    return {k: v for k, v in dict(row).items() if k not in own}


def text(state: State) -> str:
    """Return a state as text that is the same for the same state."""
    return json.dumps(state, sort_keys=True)


def apply(store: Store, pod_id: int, state: State) -> None:
    """Make what this array knows of a pod what ``state`` tells.

    The caller holds the transaction.
    """
    store.run(
        "UPDATE pods SET home = ?, destroyed = ?, mediator = ?, failover = ?"
        " WHERE id = ?",
        *(state[k] for k in ("home", "destroyed", "mediator", "failover")),
        pod_id,
    )
    # before their volumes: they would outlive these
    told = {row["serial"] for row in state["snapshots"]}
    for row in store.all(_SNAPSHOTS, pod_id):
        if row["serial"] not in told:
            store.run("DELETE FROM snapshots WHERE id = ?", row["id"])
    volumes = _apply_volumes(store, pod_id, state["volumes"])
    groups = _merge(
        store,
        "pgroups",
        _by("uid"),
        store.all(_GROUPS, pod_id),
        [{**row, "pod_id": pod_id} for row in state["pgroups"]],
    )
    taken = _merge(
        store,
        "pgsnaps",
        _by("pgroup_id", "suffix"),
        store.all(_PGSNAPS, pod_id),
        [
            {**row, "pgroup_id": groups[(row["pgroup_id"],)]}
            for row in state["pgsnaps"]
        ],
    )
    _merge(
        store,
        "snapshots",
        _by("serial"),
        store.all(_SNAPSHOTS, pod_id),
        [
            {
                **row,
                "volume_id": volumes.get((row["volume_id"],)),
                "pgsnap_id": _taken(row["pgsnap_id"], groups, taken),
            }
            for row in state["snapshots"]
        ],
    )
    _relate(store, pod_id, state, volumes, groups)


def _apply_volumes(store: Store, pod_id: int, told: Rows) -> Ids:
    """What is connected there, is connected elsewhere from here."""
    rows = [
        {
            **{k: v for k, v in row.items() if k != "connected"},
            "elsewhere": row["connected"],
            "pod_id": pod_id,
        }
        for row in told
    ]
    # one that comes from another pod is known by its serial only
    serials = json.dumps([row["serial"] for row in rows])
    known = store.all(_KNOWN_VOLUMES, pod_id, serials)
    return _merge(store, "volumes", _by("serial"), known, rows)


def _by(*columns: str) -> Key:
    return lambda row: tuple(row[column] for column in columns)


def _taken(key: list[str] | None, groups: Ids, taken: Ids) -> int | None:
    return None if key is None else taken[(groups[(key[0],)], key[1])]


def _relate(
    store: Store, pod_id: int, state: State, volumes: Ids, groups: Ids
) -> None:
    """Make members of groups and tags of volumes what ``state`` tells."""
    for number in groups.values():
        store.run("DELETE FROM pgroup_volumes WHERE pgroup_id = ?", number)
    for uid, serial in state["members"]:
        store.run(
            "INSERT INTO pgroup_volumes VALUES (?, ?)",
            groups[(uid,)],
            volumes[(serial,)],
        )
    for number in volumes.values():
        store.run("DELETE FROM tags WHERE volume_id = ?", number)
    for row in state["tags"]:
        number = volumes[(row["volume_id"],)]
        _insert(store, "tags", {**row, "volume_id": number})


def _merge(
    store: Store, table: str, key: Key, known: list[Row], rows: Rows
) -> Ids:
    """Make a table's rows of a pod exactly ``rows``; return their ids.

    Rows that stay keep their ids, as host connections refer to them.
    """
    ids = {key(row): row["id"] for row in known}
    wanted = {key(row) for row in rows}
    for gone in [k for k in ids if k not in wanted]:
        store.run(
            f"DELETE FROM {table} WHERE id = ?",  # noqa: S608
            ids.pop(gone),
        )
    if table in ("volumes", "pgroups"):  # names may have been exchanged
        for number in ids.values():
            store.run(
                f"UPDATE {table} SET name = '~' || id"  # noqa: S608
                " WHERE id = ?",
                number,
            )
    for row in rows:
        if key(row) not in ids:
            ids[key(row)] = _insert(store, table, row)
            continue
        columns = ", ".join(f"{column} = ?" for column in row)
        store.run(
            f"UPDATE {table} SET {columns} WHERE id = ?",  # noqa: S608
            *row.values(),
            ids[key(row)],
        )
    return ids


def _insert(store: Store, table: str, row: Mapping[str, Any]) -> int:
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    return store.run(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
        *row.values(),
    )

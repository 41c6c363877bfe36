# SPDX-License-Identifier: Apache-2.0
"""The test's side of the emulation: ``/control/...``.

Settings, faults, links, the call log, an inventory, and the data path that
stands for hosts doing I/O. There are no credentials: it is served on loopback
only. A real array has nothing of this.
"""

from collections.abc import Callable
from dataclasses import asdict
import json
from typing import Any

from werkzeug.wrappers import Request, Response

from protector.sandbox.array import blocks, errors, names
from protector.sandbox.array.flasharray import Array
from protector.sandbox.array.rest1 import refusal, reply

_MOST = 64 * 1024**2


class Control:
    """Answers the tests."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self._listings: dict[str, Callable[[], Any]] = {
            "settings": lambda: asdict(array.core.tuning.knobs),
            "faults": array.faults.listing,
            "inventory": self._inventory,
        }

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        parts = request.path.strip("/").split("/")[1:]
        try:
            return self._carry_out(request, parts)
        except errors.ArrayError as error:
            return refusal(error)

    def _carry_out(self, request: Request, parts: list[str]) -> Response:
        array = self._array
        match (request.method, *parts):
            case ("GET", what) if what in self._listings:
                return reply(self._listings[what]())
            case ("PUT", "settings"):
                return self._tune(_json(request, dict))
            case ("PUT", "faults"):
                array.faults.plant(_json(request, list))
                return reply(array.faults.listing())
            case ("PUT", "links", name):
                return self._cut(name, _json(request, dict))
            case ("PUT", "pgroups", name):
                lock = _json(request, dict).get("retention_lock", "")
                array.pgroups.lock(name, lock)
                return reply({"retention_lock": lock})
            case ("GET", "calls"):
                after = int(request.args.get("after", 0))
                return reply(array.calls.listing(after))
            case ("GET", "volumes", name, "data"):
                with array.stretch.steady(name):
                    return self._read(request, name)
            case ("PUT", "volumes", name, "data"):
                with array.stretch.steady(name, writing=True):
                    return self._write(request, name)
        raise errors.NotFound("No such resource.", request.path)

    def _tune(self, values: dict[str, Any]) -> Response:
        knobs = self._array.core.tuning.change(values)
        self._array.stretch.tell_mediator()
        self._array.core.wake()
        return reply(asdict(knobs))

    def _cut(self, name: str, values: dict[str, Any]) -> Response:
        if not isinstance(values.get("cut"), bool):
            raise errors.ArrayError("cut must be true or false.", name)
        self._array.links.cut(name, values["cut"])
        if values["cut"]:
            self._array.stretch.lost(name)
        return reply(values)

    def _read(self, request: Request, name: str) -> Response:
        """Read bytes or a digest of a volume or snapshot, for audits."""
        host = request.args.get("host")
        if host is not None:
            self._require_connected(name, host)
        row = self._readable(name)
        if request.args.get("digest") is not None:
            if request.args["digest"] != "sha256":
                raise errors.ArrayError("Only sha256 is known.", name)
            return reply(
                {
                    "name": name,
                    "size": row["size"],
                    "algorithm": "sha256",
                    "digest": blocks.digest(row["file"]),
                }
            )
        offset = _number(request, "offset", 0)
        length = _number(request, "length", min(_MOST, row["size"] - offset))
        _check_range(row, offset, length)
        data = blocks.read(row["file"], offset, length)
        return Response(data, content_type="application/octet-stream")

    def _readable(self, name: str) -> Any:
        row = self._array.volumes.find(name)
        if row is None and names.parse_snapshot(name):
            row = self._array.snapshots.find(name)
        if row is None:
            raise errors.missing("Volume", name)
        return row

    def _write(self, request: Request, name: str) -> Response:
        """Write bytes as a host does: at one instant, if connected."""
        offset = _number(request, "offset", 0)
        data = request.get_data()
        with self._array.core.store.transaction():
            row = self._array.volumes.live(name)
            self._require_connected(name, request.args.get("host"))
            _check_range(row, offset, len(data))
            self._array.space.require(name)
            with self._array.core.io:
                blocks.write(row["file"], offset, data)
        return reply({"name": name, "offset": offset, "length": len(data)})

    def _require_connected(self, name: str, host: str | None) -> None:
        connections = self._array.hosts.connections(volume=name)
        if host not in [c["host"] for c in connections]:
            raise errors.Forbidden(
                f"The volume is not connected to host {host}.", name
            )

    def _inventory(self) -> dict[str, Any]:
        """Return everything that the array has, destroyed things too."""
        array = self._array
        groups = [
            {
                **array.pgroups.describe(row),
                "destroyed": row["destroyed"],
                "schedule": json.loads(row["schedule"]),
                "retention": json.loads(row["retention"]),
            }
            for row in array.pgroups.listing()
        ]
        return {
            "array": {"name": array.core.name, "id": array.core.id},
            "volumes": [_volume(row) for row in array.volumes.listing()],
            "snapshots": [_snapshot(s) for s in array.snapshots.listing()],
            "pgroups": groups,
            "pgroup_snapshots": [
                _pick(row, "name", "created", "destroyed", "started",
                      "completed", "progress", "data_transferred")
                for row in array.pgsnaps.listing()
            ],
            "pods": [
                {
                    **_pick(row, "name", "uid", "destroyed"),
                    "arrays": array.podadmin.arrays(row),
                }
                for row in array.pods.listing()
            ],
            "hosts": [
                _pick(row, "name", "iqn", "wwn", "nqn")
                for row in array.hosts.listing()
            ],
            "connections": [dict(row) for row in array.hosts.connections()],
            "arrays": [
                _pick(row, "name", "connected", "cut")
                for row in array.links.listing()
            ],
        }  # fmt: skip


def _volume(row: Any) -> dict[str, Any]:
    return {
        **_pick(row, "name", "serial", "size", "created", "source",
                "destroyed", "overwritten_while_connected"),
        "allocated": blocks.allocated(row["file"]),
    }  # fmt: skip


def _snapshot(row: Any) -> dict[str, Any]:
    return _pick(row, "name", "source", "serial", "size", "created",
                 "destroyed", "complete")  # fmt: skip


def _pick(row: Any, *keys: str) -> dict[str, Any]:
    return {key: row[key] for key in keys}


def _json(request: Request, kind: type) -> Any:
    try:
        content = json.loads(request.get_data())
    except ValueError as error:
        raise errors.ArrayError("The body is not JSON.") from error
    if not isinstance(content, kind):
        raise errors.ArrayError("The body is of a wrong kind.")
    return content


def _number(request: Request, name: str, default: int) -> int:
    try:
        return int(request.args.get(name, default))
    except ValueError as error:
        raise errors.ArrayError("Not a number.", name) from error


def _check_range(row: Any, offset: int, length: int) -> None:
    if offset < 0 or length < 0 or offset + length > row["size"]:
        raise errors.ArrayError("Beyond the end of the volume.", row["name"])

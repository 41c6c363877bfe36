# SPDX-License-Identifier: Apache-2.0
"""What an operator does to pods: make, stretch, unstretch, destroy, look."""

from dataclasses import replace
import json
import shutil
from sqlite3 import Row
import time
from typing import Any
import uuid

from protector.sandbox.array import errors, names, peer, safemode
from protector.sandbox.array.core import Core
from protector.sandbox.array.links import SYNC, Links
from protector.sandbox.array.mediator import NOBODY, Mediator, Record
from protector.sandbox.array.pods import Pods
from protector.sandbox.array.podwatch import PodWatch
from protector.sandbox.array.stretch import Stretch

_MOST = 2


class PodAdmin:
    """The operator's side of the pods of one array."""

    def __init__(
        self,
        core: Core,
        pods: Pods,
        links: Links,
        stretch: Stretch,
        watch: PodWatch,
    ) -> None:
        self._core = core
        self._pods = pods
        self._links = links
        self._stretch = stretch
        self._watch = watch

    def create(self, name: str) -> Row:
        """Make an empty pod on this array."""
        with self._core.store.transaction():
            names.check("Pod", name)
            self._pods.require_free(name)
            pod = self._stretch.found(str(uuid.uuid4()), name)
        self._stretch.tell_mediator()
        return pod

    def add(self, name: str, array: str) -> None:
        """Stretch a pod to another array. Raises ``ArrayError``."""
        pod = self._pods.live(name)
        mediator = Mediator(pod["home"])
        with mediator.held():
            record = mediator.read()
            self._stretch.require_in(pod, record)
            link = self._addable(record, pod, array)
            now = time.time()
            mediator.write(
                replace(
                    record,
                    arrays={**record.arrays, link["id"]: array},
                    winner=self._core.id,
                    since=now,
                    resyncing=now,
                )
            )
            try:
                self._stretch.push(pod, link["id"])
            except (peer.PeerUnreachable, peer.PeerRefused) as error:
                mediator.write(record)
                text = getattr(error, "msg", "The array is not reachable.")
                raise errors.ArrayError(text, array) from error
            self._watch.settle(pod, mediator)

    def _addable(self, record: Record, pod: Row, array: str) -> Row:
        """Return the link to an array that a pod can be stretched to."""
        if array in record.arrays.values():
            raise errors.exists("Array", array)
        if len(record.arrays) == _MOST:
            raise errors.ArrayError(
                "Array limit reached for the pod.", pod["name"]
            )
        link = self._links.row(array)
        if link["type"] != SYNC:
            raise errors.ArrayError(
                "The array is not connected for sync replication.", array
            )
        return link

    def take_out(self, name: str, array: str) -> None:
        """Unstretch a pod, be the other array online or not.

        An array that is out cannot go on alone, by no force: ``with_unknown``
        of a real one is not emulated.
        """
        pod = self._pods.live(name)
        mediator = Mediator(pod["home"])
        with mediator.held():
            record = mediator.read()
            self._stretch.require_in(pod, record)
            ids = {other: number for number, other in record.arrays.items()}
            if array not in ids:
                raise errors.missing("Array", array)
            if len(ids) == 1:
                raise errors.ArrayError("The pod is on no other array.", name)
            left = {k: v for k, v in record.arrays.items() if k != ids[array]}
            mediator.write(replace(record.together(), arrays=left))
            mediator.thaw(ids[array])
            self._core.store.run(
                "UPDATE volumes SET elsewhere = 0 WHERE pod_id = ?", pod["id"]
            )
        self._stretch.look()

    def change(self, name: str, values: dict[str, Any]) -> None:
        """Set ``mediator`` or ``failover`` (names of arrays of the pod)."""
        pod = self._pods.live(name)
        record = self._stretch.record(pod)
        if "failover" in values:
            ids = {array: number for number, array in record.arrays.items()}
            for array in values["failover"]:
                if array not in ids:
                    raise errors.missing("Array", array)
            values = {"failover": [ids[name] for name in values["failover"]]}
        with self._stretch.changing([f"{name}::"]):
            self._pods.change(name, values)

    def rename(self, name: str, new: str) -> None:
        """Give a pod another name."""
        with self._stretch.changing([f"{name}::"]):
            self._pods.rename(name, new)

    def refuse_move(self, volume: str, pod: str) -> None:
        """Raise ``ArrayError`` for a move into or out of a stretched pod.

        From one pod to another of the same arrays is no such move.
        """
        old = self._members(names.split(volume)[0])
        new = self._members(pod)
        if old != new and max(len(old), len(new)) > 1:
            raise errors.ArrayError(
                "A volume cannot be moved into or out of a stretched pod.",
                volume,
            )

    def _members(self, pod: str) -> set[str]:
        row = self._pods.find(pod)
        return set(self._stretch.record(row).arrays) if row else set()

    def destroy(self, name: str, contents: bool = False) -> None:
        """Destroy a pod that is on this array alone.

        ``contents``: with all that is in it; else it must be empty.
        """
        if len(self._members(name)) > 1:
            raise errors.ArrayError("The pod is stretched.", name)
        self._pods.destroy(name, contents)

    def eradicate(self, name: str, contents: bool = True) -> None:
        """Remove a destroyed pod, if need be with ``contents``."""
        pod = self._pods.pending(name)
        if not contents:
            self._pods.require_empty(pod)
        safemode.refuse_eradication(self._core, name)
        self._remove(pod)

    def _remove(self, pod: Row) -> None:
        self._pods.remove(pod["id"])
        self._stretch.leave(pod)
        shutil.rmtree(pod["home"], ignore_errors=True)

    def eradicate_before(self, limit: float) -> None:
        """Remove the pods that were destroyed before ``limit``."""
        for pod in self._pods.listing():
            if pod["destroyed"] is not None and pod["destroyed"] <= limit:
                self._remove(pod)

    def arrays(self, pod: Row) -> list[dict[str, Any]]:
        """Return the arrays of a pod and how this one sees them.

        Each has ``name``, ``id``, ``status``, ``mediator_status`` and
        ``frozen_at`` (seconds, or None).
        """
        record = self._stretch.record(pod)
        return [
            {
                "name": name,
                "id": number,
                "status": self._status(record, number),
                "mediator_status": self._mediated(record, number),
                "frozen_at": record.since if record.out(number) else None,
            }
            for number, name in record.arrays.items()
        ]

    def preferred(self, pod: Row) -> list[str]:
        """Return the names of the arrays that are to win."""
        known = self._stretch.record(pod).arrays
        return [known[a] for a in json.loads(pod["failover"]) if a in known]

    def _status(self, record: Record, number: str) -> str:
        """An array that is out does not know how the other one is."""
        if number != self._core.id and record.out(self._core.id):
            return "unknown"
        if not record.out(number):
            return "online"
        if record.resyncing is not None and record.winner != NOBODY:
            return "resyncing"
        return "offline"

    def _mediated(self, record: Record, number: str) -> str:
        if number != self._core.id and record.winner is not None:
            return "unknown"
        return "unreachable" if number in record.unreachable else "online"

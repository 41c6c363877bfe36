# SPDX-License-Identifier: Apache-2.0
"""Stretched pods: what two arrays do to have one pod between them.

Every change to a pod is made while it is held, and the other array is told
before the answer. When the arrays part, the mediator lets one go on; the
other keeps the bytes of that moment until it is brought up to date. What a
pod contains is the model's business.
"""

from collections.abc import Iterable, Iterator
import contextlib
from dataclasses import replace
import hashlib
import json
import logging
import pathlib
from sqlite3 import Row
from typing import IO, Any
import uuid

from protector.sandbox.array import errors, names, peer, podstate
from protector.sandbox.array.core import Core
from protector.sandbox.array.links import Links
from protector.sandbox.array.mediator import NOBODY, Mediator, Record
from protector.sandbox.array.pods import RESTRETCH, Pods

LOG = logging.getLogger(__name__)

_PATIENT = 30.0
_FREEZE = (
    "UPDATE volumes SET file = ? || substr(file, ?)"
    " WHERE pod_id = ? AND file NOT LIKE ?",
    "UPDATE snapshots SET file = ? || substr(file, ?)"
    " WHERE (pgsnap_id IS NULL"
    " AND volume_id IN (SELECT id FROM volumes WHERE pod_id = ?)"
    " OR pgsnap_id IN (SELECT p.id FROM pgsnaps p JOIN pgroups g"
    " ON g.id = p.pgroup_id WHERE g.pod_id = ?)) AND file NOT LIKE ?",
)


class Stretch:
    """The pods of one array as what it has in common with another."""

    def __init__(self, core: Core, pods: Pods, links: Links) -> None:
        self._core = core
        self._store = core.store
        self._pods = pods
        self._links = links
        self._presence: dict[str, IO[bytes]] = {}

    @contextlib.contextmanager
    def changing(
        self, objects: Iterable[str], anyway: bool = False
    ) -> Iterator[None]:
        """Hold the pods of ``objects`` for a change, and tell it.

        ``anyway``: also if a pod is not online here. Raises ``ArrayError``.
        """
        pods = self._of(objects)
        with contextlib.ExitStack() as stack:
            for pod in pods:
                stack.enter_context(Mediator(pod["home"]).held())
                record = self._current(pod)
                if not anyway:
                    self.require_in(pod, record)
            try:
                yield
            finally:
                for pod in pods:
                    self._tell(pod, anyway)

    @contextlib.contextmanager
    def steady(self, name: str, writing: bool = False) -> Iterator[None]:
        """Hold the pod of ``name`` while its bytes are used.

        Raises ``ArrayError`` for ``writing`` to one that is not online here.
        """
        self.look()
        with contextlib.ExitStack() as stack:
            for pod in self._of([name]):
                stack.enter_context(Mediator(pod["home"]).held())
                record = self._current(pod)
                if writing:
                    self.require_in(pod, record)
            yield

    def look(self) -> None:
        """Leave the pods that this array was taken out of."""
        for pod in self._pods.listing():
            if self._core.id not in self.record(pod).arrays:
                self._become_restretch(pod)

    def _current(self, pod: Row) -> Record:
        """Return the record, with the kept bytes in use if they are to be.

        The pod is held: else it could be brought up to date meanwhile.
        """
        mediator, me = Mediator(pod["home"]), self._core.id
        record = mediator.read()
        if record.out(me) and mediator.frozen(me).exists():
            self._freeze(pod, str(mediator.frozen(me)))
        return record

    def record(self, pod: Row) -> Record:
        """Return what is agreed on about a pod."""
        return Mediator(pod["home"]).read()

    # -- refusals

    def require_in(self, pod: Row, record: Record) -> None:
        """Raise ``ArrayError`` if a pod is not online on this array."""
        if record.out(self._core.id):
            raise errors.ArrayError(
                "The pod is not online on this array.", pod["name"]
            )

    def refuse_overwrite(self, name: str) -> None:
        """Raise ``ArrayError`` if a pod takes no overwrites just now."""
        knobs = self._core.tuning.knobs
        for pod in self._of([name]):
            record = self.record(pod)
            if len(record.arrays) > 1 and not knobs.overwrites_in_pods:
                raise errors.ArrayError(
                    "A volume in a stretched pod cannot be overwritten.", name
                )
            if record.winner is not None and not knobs.overwrite_without_peer:
                raise errors.ArrayError(
                    "A volume cannot be overwritten while an array of its pod"
                    " is not online.",
                    name,
                )

    def refuse_used(self, array: str) -> None:
        """Raise ``ArrayError`` if a pod is stretched to ``array``."""
        for pod in self._pods.listing():
            if array in self.record(pod).arrays.values():
                raise errors.ArrayError(
                    "The array connection is used by a pod.", pod["name"]
                )

    # -- parting

    def lost(self, array: str) -> None:
        """Have it decided who goes on in the pods shared with ``array``."""
        for pod in self._pods.listing():
            mediator = Mediator(pod["home"])
            with mediator.held():
                if array in mediator.read().arrays.values():
                    self.part(pod, mediator)

    def part(self, pod: Row, mediator: Mediator) -> Record:
        """Have it decided who goes on; the pod is held."""
        before = mediator.read()
        preferred = json.loads(pod["failover"])
        record = mediator.decide(before, self._core.id, preferred)
        if record == before:
            return record
        if record.winner != NOBODY:
            rows = self._store.all("SELECT file FROM snapshots")
            fixed = {row["file"] for row in rows}
            for array in record.arrays:
                if record.out(array):
                    mediator.freeze(array, fixed)
        return mediator.write(record)

    def tell_mediator(self) -> None:
        """Let the mediators know whether this array reaches them."""
        me = self._core.id
        for pod in self._pods.listing():
            mediator = Mediator(pod["home"])
            with mediator.held():
                record = mediator.read()
                cut_off = [one for one in record.unreachable if one != me]
                if not self._core.tuning.knobs.mediator_reachable:
                    cut_off.append(me)
                mediator.write(replace(record, unreachable=cut_off))

    # -- telling

    def _tell(self, pod: Row, anyway: bool) -> None:
        """Tell the other array what has changed; the pod is held."""
        mediator = Mediator(pod["home"])
        record = mediator.read()
        if record.out(self._core.id) or not self._pods.of_uid(pod["uid"]):
            return
        other = record.other(self._core.id)
        if other is not None and record.winner is None:
            try:
                self.push(pod, other, unless_told=True)
            except (peer.PeerUnreachable, peer.PeerRefused) as error:
                LOG.warning("Pod %s fell apart: %s", pod["name"], error)
                record = self.part(pod, mediator)
                if not anyway:
                    self.require_in(pod, record)
                return
        rows = self._store.all(
            "SELECT file FROM volumes UNION SELECT file FROM snapshots"
        )
        mediator.sweep({row["file"] for row in rows})

    def push(self, pod: Row, array: str, unless_told: bool = False) -> None:
        """Tell the array with that id all about a pod, which is held.

        Raises ``PeerUnreachable`` or ``PeerRefused``.
        """
        row = self._known(pod["uid"])
        state = podstate.dump(self._store, row)
        digest = _digest(state)
        if unless_told and row["told"] == digest:
            return
        name = self._links.name_of(array)
        self._links.ask(name, "POST", "pods", state, _PATIENT)
        self._told(row, digest)

    def receive(self, state: dict[str, Any]) -> dict[str, Any]:
        """Take in what the other array tells of a pod.

        That array holds the pod, so nothing may be held here.
        """
        uid, name = state["uid"], state["name"]
        with self._store.transaction():
            pod = self._pods.of_uid(uid)
            if pod is None or pod["name"] != name:
                self._pods.require_free(name)
            if pod is None:
                self._pods.insert(uid, name, pathlib.Path(state["home"]))
            elif pod["name"] != name:
                self._pods.name_anew(pod["id"], name)
            podstate.apply(self._store, self._known(uid)["id"], state)
            self._told(self._known(uid), "")
        self.attend(self._known(uid))
        return {}

    def _known(self, uid: str) -> Row:
        row = self._pods.of_uid(uid)
        if row is None:
            raise errors.missing("Pod", uid)
        return row

    def _told(self, pod: Row, digest: str) -> None:
        """Remember which state the other array knows, "" for none."""
        self._store.run(
            "UPDATE pods SET told = ? WHERE id = ?", digest, pod["id"]
        )

    # -- this array's part

    def start(self) -> None:
        """Show that this array lives."""
        for pod in self._pods.listing():
            self.attend(pod)

    def stop(self) -> None:
        """Show that this array does not live any more."""
        for file in self._presence.values():
            file.close()

    def attend(self, pod: Row) -> None:
        """Show in a pod that this array lives."""
        if pod["uid"] not in self._presence:
            mediator = Mediator(pod["home"])
            self._presence[pod["uid"]] = mediator.attend(self._core.id)

    def leave(self, pod: Row) -> None:
        """Show that this array is not in a pod any more."""
        presence = self._presence.pop(pod["uid"], None)
        if presence is not None:
            presence.close()

    def found(self, uid: str, name: str) -> Row:
        """Make an empty pod on this array alone."""
        home = self._core.state / "pods" / uid
        home.mkdir(parents=True)
        Mediator(str(home)).write(Record({self._core.id: self._core.name}))
        self._pods.insert(uid, name, home)
        pod = self._known(uid)
        self.attend(pod)
        return pod

    def _become_restretch(self, pod: Row) -> None:
        """Keep of a pod that went on elsewhere what a real array keeps.

        That is a destroyed pod; here it is an empty one.
        """
        with self._store.transaction():
            name = pod["name"] + RESTRETCH
            old = self._pods.find(name)
            if old is not None:
                self._pods.remove(old["id"])
            self._pods.remove(pod["id"])
            left = self.found(str(uuid.uuid4()), name)
            self._pods.mark(left["id"], self._core.clock.now())
        self.leave(pod)

    def _freeze(self, pod: Row, frozen: str) -> None:
        cut, like = len(pod["home"]) + 1, f"{frozen}/%"
        volumes, snapshots = _FREEZE
        with self._store.transaction():
            number = pod["id"]
            self._store.run(volumes, frozen, cut, number, like)
            self._store.run(snapshots, frozen, cut, number, number, like)

    def _of(self, objects: Iterable[str]) -> list[Row]:
        """Return the pods in which objects lie, in the order of holding."""
        pods = {names.split(name)[0] for name in objects}
        rows = [self._pods.find(pod) for pod in pods]
        return sorted(
            (row for row in rows if row is not None),
            key=lambda row: row["uid"],
        )


def _digest(state: dict[str, Any]) -> str:
    return hashlib.sha256(podstate.text(state).encode()).hexdigest()

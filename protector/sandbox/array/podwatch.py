# SPDX-License-Identifier: Apache-2.0
"""Watches over stretched pods: notices a dead array, takes one back.

What parting means is the stretch's to say.
"""

from dataclasses import replace
import logging
from sqlite3 import Row
import time

from protector.sandbox.array import errors, peer
from protector.sandbox.array.core import Core
from protector.sandbox.array.links import Links
from protector.sandbox.array.mediator import NOBODY, Mediator, Record
from protector.sandbox.array.pods import Pods
from protector.sandbox.array.stretch import Stretch

LOG = logging.getLogger(__name__)

_LOOK = 0.5
_GRACE = 3.0
"""Seconds from its own start in which an array takes no other for dead."""


class PodWatch:
    """Looks twice a second at the pods of one array."""

    def __init__(
        self, core: Core, pods: Pods, links: Links, stretch: Stretch
    ) -> None:
        self._core = core
        self._pods = pods
        self._links = links
        self._stretch = stretch
        self._bell = core.bell()
        self._started = time.monotonic()

    def run(self) -> None:
        """Do what is to be done until the array stops."""
        while not self._core.stopping.is_set():
            self._bell.clear()
            for pod in self._pods.listing():
                try:
                    self._look(pod)
                except (OSError, errors.ArrayError) as error:
                    LOG.warning("Pod %s: %s", pod["name"], error)
            self._bell.wait(_LOOK)

    def _look(self, pod: Row) -> None:
        mediator, me = Mediator(pod["home"]), self._core.id
        if self._work(mediator, mediator.read()) is None:
            return
        with mediator.held():
            record = mediator.read()
            work = self._work(mediator, record)
            if work == "part":
                self._stretch.part(pod, mediator)
            elif work == "stop":
                mediator.write(replace(record, resyncing=None))
            elif work == "resync":
                self._resync(pod, mediator, record)
            elif work == "rename":
                arrays = {**record.arrays, me: self._core.name}
                mediator.write(replace(record, arrays=arrays))

    def _work(self, mediator: Mediator, record: Record) -> str | None:
        """Tell what is to be done: "part", "resync", "stop" that, or to
        "rename" this array; None for nothing."""
        other = record.other(self._core.id)
        if record.arrays.get(self._core.id, self._core.name) != (
            self._core.name
        ):
            return "rename"
        if other is None or self._core.id not in record.arrays:
            return None
        link = self._links.row(self._links.name_of(other))
        mine = record.winner in (NOBODY, self._core.id)
        if link["cut"] or not mediator.alive(other):
            if record.resyncing is not None:
                return "stop"
            settled = time.monotonic() - self._started > _GRACE
            return "part" if not record.winner and settled else None
        return "resync" if mine and self._links.is_up(link["name"]) else None

    def _resync(self, pod: Row, mediator: Mediator, record: Record) -> None:
        """Begin to bring the other array up to date, or end it."""
        if record.resyncing is None:
            record = mediator.write(replace(record, resyncing=time.time()))
        self.settle(pod, mediator)

    def settle(self, pod: Row, mediator: Mediator) -> None:
        """End a resync that took its time; the pod is held."""
        record = mediator.read()
        other = record.other(self._core.id)
        if other is None or record.resyncing is None:
            return
        seconds = self._core.tuning.knobs.resync_seconds
        try:
            self._links.ask(self._links.name_of(other), "GET", "ping")
            if time.time() - record.resyncing < seconds:
                return
            self._stretch.push(pod, other)
        except (peer.PeerUnreachable, peer.PeerRefused) as error:
            LOG.info("Pod %s is not resynced: %s", pod["name"], error)
            mediator.write(replace(record, resyncing=None))
            return
        mediator.thaw(other)
        mediator.write(record.together())

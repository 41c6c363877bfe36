# SPDX-License-Identifier: Apache-2.0
"""A survivor that takes the content of one member into its pod, and no
other's: the group stays in one place, though engines die on the way."""

import functools
import threading
from typing import Any

from protector.sandbox import connect, workload
from protector.sandbox import layout as layouts
from protector.tests.failure import bed, kills, mortal, test_kill_sync

SERVERS = (
    workload.Plan("web-server-1", "web", 1),
    workload.Plan("app-server-1", "app", 1),
)
GATHER = ("volumes.make_beside", "volumes.gather")


class Refusal(kills.Kills):
    """The array of a site takes no overwrite into its pod after those of the
    first member; and engines die while that one follows the others."""

    def __init__(self, place: layouts.Site, *kinds: str) -> None:
        super().__init__(*kinds)
        self._place = place
        self._turn = threading.Lock()
        self._first: str | None = None

    def ends(self, moment: mortal.Moment) -> bool:
        return moment.step in GATHER and super().ends(moment)

    def carry(
        self,
        life: mortal.Life,
        request: Any,
        send: mortal.Send,
        timeout: Any,
    ) -> Any:
        carried = functools.partial(
            super().carry, life, request, send, timeout
        )
        into_pod = f"/volume/{self._place.pod}::" in request.path_url
        if request.method != "POST" or not into_pod:
            return carried()
        with self._turn:
            _step, member = mortal.step_here()
            self._first = self._first or member
            if member != self._first:
                connect.control(
                    self._place,
                    "PUT",
                    "settings",
                    overwrite_without_peer=False,
                )
            return carried()


class TornTest(test_kill_sync.Survivor):
    COVERS = frozenset({"unplanned failover"})

    def make_bed(self) -> Any:
        return self.useFixture(
            bed.Bed(SERVERS, volume_type=test_kill_sync.SYNC, pods=True)
        )

    def plan(self, name: str) -> mortal.Plan:
        if name == "unplanned failover":
            self.refusal = Refusal(self.bed.b.place, *self.kinds)
            return self.refusal
        return mortal.Plan()

    def test_all_go_beside_the_pod(self) -> None:
        self.protect()
        self.lose()
        for step in GATHER:
            dealt = [
                moment
                for moment in self.refusal.dealt
                if moment.step == step and moment.detail.startswith("POST")
            ]
            self.expect(f"engines died in {step}", dealt, self.refusal.dealt)
        self.come_back()
        self.until("ready", lambda: self.condition(self.b, "FailoverReady"))
        self.move("failback", self.a)
        self.expect_in_sync()

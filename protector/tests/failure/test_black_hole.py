# SPDX-License-Identifier: Apache-2.0
"""The lost site is a black hole without an end: whatever is asked of its API,
its cloud or its array is answered when the unplanned failover has ended, and
no sooner.  So whoever waits for one answer waits for ever.

What that costs beyond a site that is gone is ``tools/bench/unplanned.py``'s.
"""

import threading
from typing import Any
import urllib.parse

import requests

from protector.tests.failure import mortal, neighbours, tour


class Silence(mortal.Plan):
    """No request to a host is answered until ``speak``.

    :param since: from the beginning of that step on; by default at once.

    ``held``: step and request of what waits.
    """

    def __init__(self, host: str, since: str = "") -> None:
        self._host = host
        self._since = since
        self._over = threading.Event()
        self._begun = threading.Event()
        if not since:
            self._begun.set()
        self.held: list[tuple[str, str]] = []

    def speak(self) -> None:
        self._over.set()

    def begin(self, step: str) -> None:
        if step == self._since:
            self._begun.set()

    def cases(self, workflow: str) -> list[list[str]]:
        return [
            [workflow, "never answered", step, call]
            for step, call in sorted(set(self.held))
        ]

    def carry(
        self,
        life: mortal.Life,
        request: Any,
        send: mortal.Send,
        timeout: Any,
    ) -> Any:
        neighbours.bounded(request, timeout)
        return self._hold(mortal.step_here()[0], request, send)

    def outside(self, request: Any, send: mortal.Send) -> Any:
        return self._hold("-", request, send)

    def _hold(self, step: str, request: Any, send: mortal.Send) -> Any:
        host = urllib.parse.urlsplit(request.url).hostname
        if host != self._host or not self._begun.is_set():
            return send()
        call = mortal.anonymous(f"{request.method} {request.path_url}")
        self.held.append((step, call))
        self._over.wait()
        raise requests.ConnectTimeout("timed out", request=request)


class BlackHoleTest(tour.Tour):
    MATRIX = "black hole"

    def test_nobody_waits(self) -> None:
        self._protect()
        self.bed.a.close()
        self._fail_over(self._silence())
        self.bed.a.serve()
        self._converge()

    def test_nobody_waits_for_a_move_that_hangs(self) -> None:
        self._protect()
        silence = self._silence("servers.stop")
        self.bed.b.meet(silence)
        self.b.run_protection_group(self.group_id, "failover", type="planned")
        self.until("it hangs", lambda: silence.held)
        # the lost site's own engine is held as well
        self._fail_over(silence)
        self._converge()

    def _protect(self) -> None:
        self.protect()
        self.write(self.a)
        self.run_verb("replicate", self.a)

    def _silence(self, since: str = "") -> Silence:
        silence = Silence(self.bed.a.place.address, since)
        self.addCleanup(silence.speak)
        self.bed.seams.plan = silence
        return silence

    def plan(self, name: str) -> mortal.Plan:
        silence = self.bed.seams.plan
        return silence if isinstance(silence, Silence) else mortal.Plan()

    def _fail_over(self, silence: Silence) -> None:
        self.run_verb(
            "failover",
            self.b,
            "unplanned failover",
            type="unplanned",
            confirm=True,
        )
        self.expect_content(self.b)
        asked = {step for step, _ in silence.held}
        self.expect("the lost site was asked", "servers.fence_lost" in asked)
        silence.speak()
        self.bed.seams.plan = mortal.Plan()

    def _converge(self) -> None:
        self.until(
            "the other side gave in",
            lambda: self.condition(self.b, "SourceFenced"),
        )
        self.expect_in_sync()

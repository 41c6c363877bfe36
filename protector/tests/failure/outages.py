# SPDX-License-Identifier: Apache-2.0
"""At which moments of an operation its engine, which lives on, loses its
database, the broker, or the other site's API.

A moment is met by the transaction that comes next in the same thread: how it
fails is all that an engine can see of it.
"""

from collections.abc import Callable, Iterator
import contextlib
import threading
from typing import Any

import fixtures
import oslo_messaging as messaging

from protector.api import acceptance
from protector.tests.failure import kills, mortal, neighbours

PHASES = {"before": "begin", "after": "commit", "recorded": "kept"}
"""Lost before the call, the transaction cannot begin; after it, the record is
not kept; and after the record, it is kept and nobody is told."""
PEER = {"before": neighbours.refused, "after": neighbours.cut_half_way}
"""How the peer's API dies: before it did what it is asked for, and before it
answers."""
REST_SECONDS = 0.1


class Outages(kills.Kills):
    """The connection drops once at each moment; and the database is away for
    longer than a lease at the end of each step, which is done and not
    recorded, and when an operation has been taken.

    What is to be changed at the peer meets an API that dies before it does
    anything, and then one that dies before it answers.
    """

    def __init__(self) -> None:
        super().__init__(*PHASES)
        self._deaths: list[tuple[str, str, str]] = []
        self._next = threading.local()
        self._parted: list[mortal.Moment] = []

    def ends(self, moment: mortal.Moment) -> bool:
        phase = PHASES[moment.kind]
        waits = hasattr(self._next, phase) or _is_taken(moment)
        if not waits and self.is_due(moment):
            setattr(self._next, phase, moment)
        return False

    def parts(self, moment: mortal.Moment) -> bool:
        done = moment.kind == "after" and not moment.detail
        if not (done or _is_taken(moment)) or moment in self._parted:
            return False
        self._parted.append(moment)
        return True

    def ask(self, phase: str) -> None:
        moment = getattr(self._next, phase, None)
        if moment is not None:
            delattr(self._next, phase)
            # two threads of a step may come to one at once
            if moment not in self.dealt:
                self.dealt.append(moment)
            mortal.raise_no_answer()

    def carry(
        self,
        life: mortal.Life,
        request: Any,
        send: mortal.Send,
        timeout: Any,
    ) -> Any:
        def through() -> Any:
            return self._to_peer(request, send)

        return super().carry(life, request, through, timeout)

    def _to_peer(self, request: Any, send: mortal.Send) -> Any:
        peer = neighbours.service(request) == "peer"
        if not peer or not mortal.changes(request):
            return send()
        call = mortal.anonymous(f"{request.method} {request.path_url}")
        for when, dies in PEER.items():
            death = (when, mortal.step_here()[0], call)
            if death not in self._deaths:
                self._deaths.append(death)
                return dies(request, send)
        return send()

    def rest(self, seconds: float) -> float:
        return min(seconds, REST_SECONDS)

    def cases(self, workflow: str) -> list[list[str]]:
        moments = [
            [workflow, f"{how} {m.kind}", m.step, m.detail]
            for how, moments in (
                ("dropped", self.dealt),
                ("away", self._parted),
            )
            for m in moments
        ]
        deaths = [
            [workflow, f"peer {w}", *where] for w, *where in self._deaths
        ]
        return moments + deaths


def _is_taken(moment: mortal.Moment) -> bool:
    """Whether an operation was taken; one whose engine is not told waits for
    the end of the lease."""
    return (moment.kind, moment.step) == ("recorded", "-")


class Broker(fixtures.Fixture):
    """The message bus of all sites in this process, which may be gone."""

    def _setUp(self) -> None:
        self._lost: list[str] | None = None
        transport = "oslo_messaging.transport.Transport"
        for name, send in (
            ("_send", self._sender(messaging.Transport._send)),
            ("_send_notification", self._notifier()),
        ):
            self.useFixture(fixtures.MonkeyPatch(f"{transport}.{name}", send))

    @contextlib.contextmanager
    def gone(self, *answers: str) -> Iterator[list[str]]:
        """No doorbell rings and nobody is notified.  What was lost.

        :param answers: nor are these calls answered, the first time.
        """
        self._lost, self._unanswered = [], set(answers)
        try:
            yield self._lost
        finally:
            self._lost = None

    def _lose(self, what: str) -> None:
        if self._lost is not None and what not in self._lost:
            self._lost.append(what)

    def _sender(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def lossy(
            transport: Any,
            target: Any,
            context: Any,
            message: dict[str, Any],
            wait_for_reply: bool | None = None,
            **options: Any,
        ) -> Any:
            method = message["method"]
            if self._lost is not None and not wait_for_reply:
                self._lose(method)
                raise messaging.MessageDeliveryFailure("No broker.")
            if self._lost is not None and method in self._unanswered:
                self._unanswered.discard(method)
                self._lose(method)
                raise messaging.MessagingTimeout("No answer.")
            return send(
                transport,
                target,
                context,
                message,
                wait_for_reply=wait_for_reply,
                **options,
            )

        return lossy

    def _notifier(self) -> Callable[..., Any]:
        send = messaging.Transport._send_notification

        def lossy(transport: Any, target: Any, *args: Any, **kw: Any) -> Any:
            if self._lost is not None:
                self._lose("a notification")
                raise messaging.MessageDeliveryFailure("No broker.")
            return send(transport, target, *args, **kw)

        return lossy


@contextlib.contextmanager
def before_the_commit() -> Iterator[None]:
    """An API that accepts an operation dies before that is kept."""
    write = acceptance._write

    def die(call: Any, make: Callable[[Any], Any]) -> Any:
        def made(session: Any) -> Any:
            make(session)
            session.flush()
            mortal.raise_no_answer()

        return write(call, made)

    with fixtures.MonkeyPatch("protector.api.acceptance._write", die):
        yield

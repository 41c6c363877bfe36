# SPDX-License-Identifier: Apache-2.0
"""What is done to the processes of a site, and to what they use, when a step
of an operation begins; what must be true afterwards is the test's.

A blow is dealt in a thread of its own, so that the operation is seen to go
on meanwhile.
"""

from collections.abc import Callable
from concurrent import futures
import dataclasses
import threading
import time
from typing import Any

from protector import constants as c
from protector.tests.functional import processes

SHORT = 1.0
"""Seconds; a lease outlives it."""
_SECONDS = 300
_LOOK = 0.05
Deal = Callable[[processes.Site, str], None]


def kill_holder(site: processes.Site, operation_id: str) -> None:
    name = _holder(site, operation_id)
    site.kill(name)
    site.expire(name, operation_id)
    _until(lambda: site.holder(operation_id) != name)
    site.launch(name)


def kill_both(site: processes.Site, operation_id: str) -> None:
    site.kill(*site.engines)
    for name in site.engines:
        site.expire(name, operation_id)
    site.launch(*site.engines)


def kill_api(site: processes.Site, operation_id: str) -> None:
    site.kill(site.api)
    site.launch(site.api)
    _until(site.serves)


def pause_holder(site: processes.Site, operation_id: str) -> None:
    """It goes on when another one has long done what it was about to."""
    name = _holder(site, operation_id)
    site.freeze(name)
    _until(lambda: site.holder(operation_id) != name)
    site.thaw(name)


def _way(name: str, fault: str, outlasts: bool = False) -> Deal:
    """A fault of the way to the database or to the broker, for a while.

    :param outlasts: a lease on what it began in.
    """

    def deal(site: processes.Site, operation_id: str) -> None:
        way = getattr(site, name)
        getattr(way, fault)()
        if outlasts:
            _until(lambda: site.lease_ran_out(operation_id))
        else:
            _wait(SHORT)
        # after a hang, what hangs goes on hanging
        (way.come if fault == "go" else way.heal)()

    return deal


DEALS: dict[str, Deal] = {
    "engine SIGKILL": kill_holder,
    "both engines SIGKILL": kill_both,
    "engine SIGSTOP": pause_holder,
    "API SIGKILL": kill_api,
    "database cut": _way("database", "go"),
    "database cut for long": _way("database", "go", outlasts=True),
    "database cut half way": _way("database", "tear"),
    "database hangs": _way("database", "hang", outlasts=True),
    "database slow": _way("database", "slow"),
    "broker cut": _way("broker", "go"),
    "broker cut half way": _way("broker", "tear"),
    "broker hangs": _way("broker", "hang"),
    "broker slow": _way("broker", "slow"),
}


@dataclasses.dataclass(frozen=True)
class Blow:
    """``kind`` is dealt to a site when ``step`` begins."""

    site: processes.Site = dataclasses.field(repr=False)
    kind: str
    step: str


class Plan:
    """Blows of one operation, each dealt once."""

    def __init__(self, *blows: Blow) -> None:
        self._waiting = list(blows)
        self.dealt: list[Blow] = []
        self._pool = futures.ThreadPoolExecutor(1)
        self._under_way: list[futures.Future[None]] = []

    def cases(self, workflow: str) -> list[list[str]]:
        return [
            [workflow, blow.kind, blow.step, blow.site.place.name]
            for blow in self.dealt
        ]

    @property
    def undealt(self) -> list[Blow]:
        return list(self._waiting)

    def look(self, operation: Any) -> None:
        """Deal what is due, one after the other."""
        if not all(blow.done() for blow in self._under_way):
            return
        begun = {
            step.name
            for step in operation.steps
            if step.status != c.StepStatus.PENDING
        }
        for blow in self._waiting:
            if blow.step in begun and not operation.finished_at:
                self._waiting.remove(blow)
                self.dealt.append(blow)
                deal = DEALS[blow.kind]
                self._under_way.append(
                    self._pool.submit(deal, blow.site, operation.id)
                )
                return

    def settle(self) -> None:
        """Wait for what is under way.

        :raises Exception: of a blow.
        """
        self._pool.shutdown()
        for blow in self._under_way:
            blow.result()


def _holder(site: processes.Site, operation_id: str) -> str:
    return str(_until(lambda: site.holder(operation_id)))


def _until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + _SECONDS
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError("It does not happen.")
        _wait(_LOOK)
    return found


def _wait(seconds: float) -> None:
    threading.Event().wait(seconds)

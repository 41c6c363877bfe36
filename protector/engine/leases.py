# SPDX-License-Identifier: Apache-2.0
"""Leases that this engine holds: renewed by one thread, checked by all.

A lease is known to stand until the moment of the last successful renewal
plus its length, on this process's monotonic clock, which never runs ahead of
what the database granted.
"""

import threading
from typing import Any

from oslo_log import log as logging

from protector import exception
from protector.db.api import operations_leases

LOG = logging.getLogger(__name__)


class HeldLease:
    """One operation's lease in this process."""

    def __init__(self, lease: operations_leases.Lease, clock: Any) -> None:
        self.token = lease
        self._clock = clock
        self._until = 0.0
        self._lost = False

    def extended(self, asked_at: float, seconds: float) -> None:
        self._until = asked_at + seconds

    def lose(self) -> None:
        self._lost = True

    @property
    def stands(self) -> bool:
        return not self._lost and self._clock.monotonic() < self._until

    def check(self) -> None:
        """Call before each outbound change.

        :raises LeaseLost: this engine may not act any more.
        """
        if not self.stands:
            raise exception.LeaseLost(
                f"The lease on operation {self.token.operation_id} ran out."
            )


class LeaseKeeper:
    """Takes, renews and gives back leases.

    :param runtime: the process's ``Runtime``.
    :param worker: name of this engine, unique over its restarts.
    """

    def __init__(self, runtime: Any, worker: str, site_id: str) -> None:
        self._runtime = runtime
        self._worker = worker
        self._site_id = site_id
        self._held: dict[str, HeldLease] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._renew_all, name="leases", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; call when nothing runs any more."""
        self._stop.set()
        self._thread.join()

    def take(self, operation_id: str) -> HeldLease | None:
        """Claim an operation; None when it is not to be had."""
        options = self._runtime.conf.engine
        clock = self._runtime.clock
        with self._runtime.db.writer() as session:
            asked_at = clock.monotonic()
            lease = operations_leases.claim(
                session,
                clock.now(),
                operation_id,
                self._site_id,
                self._worker,
                options.lease_seconds,
                options.call_margin,
            )
        if lease is None:
            return None
        held = HeldLease(lease, clock)
        held.extended(asked_at, options.lease_seconds)
        with self._guard:
            self._held[operation_id] = held
        return held

    def drop(self, held: HeldLease) -> None:
        """Nothing runs under the lease any more: give it back."""
        with self._guard:
            self._held.pop(held.token.operation_id, None)
        held.lose()
        for attempt in self._runtime.db.retrying(outage=True):
            with attempt, self._runtime.db.writer() as session:
                operations_leases.let_go(session, held.token)

    def _renew_all(self) -> None:
        seconds = self._runtime.conf.engine.lease_seconds
        while not self._runtime.clock.wait(self._stop, seconds / 4):
            with self._guard:
                held = list(self._held.values())
            if held:
                self._renew(held, seconds)

    def _renew(self, held: list[HeldLease], seconds: float) -> None:
        """In one transaction: where all write a lot, each of them waits."""
        try:
            with self._runtime.db.writer() as session:
                # from here on: waiting to begin must not shorten them
                asked_at = self._runtime.clock.monotonic()
                renewed = operations_leases.renew(
                    session, [lease.token for lease in held], seconds
                )
        except Exception:
            # they end by themselves if the database stays away
            LOG.exception("Leases could not be renewed")
            return
        for lease in held:
            if lease.token in renewed:
                lease.extended(asked_at, seconds)
            elif lease.token.operation_id in self._held:
                lease.lose()

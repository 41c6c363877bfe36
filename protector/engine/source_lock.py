# SPDX-License-Identifier: Apache-2.0
"""Keeps the source's lock of a planned move alive while the move runs."""

from collections.abc import Iterator
import contextlib
import threading
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations
from protector.engine import context

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def renewed(work: context.Work, operation: models.Operation) -> Iterator[None]:
    """While inside, renew the lock that the operation has, if it has one."""
    if operation.kind not in c.PLACEMENT_VERBS:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(
        target=_renew,
        args=(work, operation, stop),
        name=f"lock-{operation.id[:8]}",
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _renew(
    work: context.Work, operation: models.Operation, stop: threading.Event
) -> None:
    """At once, because an adopter comes late, then three times a span."""
    span = work.runtime.conf.engine.lock_seconds
    pause = 0.0
    while not work.runtime.clock.wait(stop, pause):
        pause = span / 3
        try:
            if _held(work, operation):
                take(_context(work, operation))
        except exception.LeaseLost:
            return
        except Exception as e:
            # the release will find out; until then the source stays as it is
            LOG.warning("The source lock was not renewed: %s", e)
            pause = span / 12


def _held(work: context.Work, operation: models.Operation) -> bool:
    with work.runtime.db.reader() as session:
        row = operations.get(session, operation.id)
        return bool(row.data.get("locked")) and not row.no_return


def _context(
    work: context.Work, operation: models.Operation
) -> context.StepContext:
    seconds = work.runtime.conf.engine.lock_seconds
    deadline = work.runtime.clock.monotonic() + seconds
    return context.StepContext(work, operation, None, deadline)


def take(ctx: context.StepContext) -> dict[str, Any]:
    """Take or renew the lock at the source.

    :raises LockLost: it expired or was replaced.
    :raises GroupBusy: a change still runs at the source.
    """
    group = ctx.scene.group
    return ctx.site(ctx.source).peer.lock(
        group.id,
        ctx.operation.id,
        group.epoch,
        int(ctx.conf.engine.lock_seconds),
    )

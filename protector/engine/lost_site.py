# SPDX-License-Identifier: Apache-2.0
"""Fences what may still run at a site that an unplanned move left.

The site may answer, refuse or hang: nothing but the fence itself ever waits
for it, and not even the fence once the group runs and no answer came.
"""

from concurrent import futures
import threading
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import fencing, power
from protector.engine.context import StepContext

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
# between two looks at whether the attempt has ended, or is worth nothing
LOOK_SECONDS = 0.25
AWAY = (exception.CloudUnavailable, exception.ServiceUnavailable)


class Fence:
    """One attempt in a thread of its own, which a hanging call may hold
    longer than anybody waits for it."""

    def __init__(self, ctx: StepContext) -> None:
        self._ctx = ctx
        self._ended = threading.Event()
        self._given_up = threading.Event()
        self._answered = False
        self._error: Exception | None = None

    def run(self) -> None:
        """Lock and stop the source's servers.

        :raises UnexpectedState: nothing answered before the group settled.
        :raises DeadlineExceeded: it took too long.
        """
        threading.Thread(
            target=self._try,
            name=f"fence-{self._ctx.operation.id[:8]}",
            daemon=True,
        ).start()
        try:
            self._watch()
        finally:
            self._given_up.set()
        if self._error is not None:
            raise self._error

    def _watch(self) -> None:
        ctx = self._ctx
        while not ctx.clock.wait(self._ended, LOOK_SECONDS):
            ctx.check_alive()
            if ctx.remaining and _settled(ctx) and not self._answered:
                raise exception.UnexpectedState(
                    f"Site {ctx.scene.sites[ctx.source].name} did not "
                    "answer: its servers could not be fenced.",
                    remedy="They are stopped and locked when the site "
                    "returns; until then keep it away from the network.",
                )

    def _try(self) -> None:
        try:
            while not self._attempt():
                self._ctx.clock.wait(
                    self._given_up, self._ctx.conf.engine.poll_interval
                )
        except Exception as e:
            self._error = e
        finally:
            self._ended.set()

    def _attempt(self) -> bool:
        """Whether there is nothing left to try."""
        if self._given_up.is_set():
            return True
        try:
            self._fence_all()
        except AWAY as e:
            LOG.info("The lost site could not be fenced yet: %s", e)
            return False
        return True

    def _fence_all(self) -> None:
        ctx = self._ctx
        left_out = ctx.data.get("left_out", [])
        ids = [
            str(copy.server_id)
            for member in ctx.scene.movable(ctx.source)
            # one that is not in the point runs nowhere else
            for copy in [member.copy(ctx.source)]
            if member.id not in left_out and copy and copy.server_id
        ]
        with futures.ThreadPoolExecutor(
            ctx.conf.engine.member_parallelism
        ) as pool:
            list(pool.map(self._fence, ids))

    def _fence(self, server_id: str) -> None:
        ctx = self._ctx
        try:
            ctx.tenant(ctx.source).compute.get_server(server_id)
            self._answered = True
            server = power.idle(ctx, ctx.source, server_id)
        except exception.CloudNotFound:
            return
        if server.status in (power.PARKED, power.SHELVED):
            return
        fencing.lock(ctx, ctx.source, server)
        power.stop(ctx, ctx.source, server_id)


def _settled(ctx: StepContext) -> bool:
    with ctx.runtime.db.reader() as session:
        group = protection_groups.get(session, ctx.scene.group.id)
        return group.current_primary_site_id == ctx.target


def note(ctx: StepContext, error: exception.ProtectorError | None) -> None:
    """Show at the group whether the source is fenced."""
    with ctx.write() as session:
        group: models.ProtectionGroup = protection_groups.lock(
            session, ctx.scene.group.id
        )
        protection_groups.set_condition(
            group,
            c.Condition.SOURCE_FENCED,
            error is None,
            "Fenced" if error is None else "NotFenced",
            error.message
            if error
            else "The source's servers are stopped and locked.",
            ctx.clock.now(),
        )

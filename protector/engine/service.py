# SPDX-License-Identifier: Apache-2.0
"""The engine of one process: its threads, started and stopped.

``Engine`` is what the sandbox runs beside the API in one process;
``EngineService`` is the same under cotyledon.
"""

from collections.abc import Callable
import contextlib
import functools
import threading
from typing import Any
import uuid

import cotyledon
from oslo_log import log as logging

from protector import constants as c
from protector import exception
from protector.db.api import (
    metadata_sync,
    protection_groups,
    sites,
    tombstones,
)
from protector.engine import (
    access,
    adoption,
    array_watch,
    checkups,
    drill_leases,
    late_copies,
    late_locks,
    late_staging,
    leases,
    manager,
    mirror,
    observer,
    push,
    quarantine,
    recovery,
    releasing,
    reprotection,
    runner,
    undo_copies,
)
from protector.engine import scene as scenes
from protector.runtime import Runtime

LOG = logging.getLogger(__name__)
MIRROR_INTERVAL = 1.0
UNDO_INTERVAL = 600.0
CHECKS_REST = 4.0
"""While groups move, the checks rest so many times as long as they took: on
the day when all groups have findings and move, four fifths of the time are
for the moves."""


class Engine:
    """Everything an engine process does.

    :param runtime: the process's ``Runtime``; its database must know the
        local site.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stopping = threading.Event()
        self._site_id = runtime.local_site_id
        # a restarted engine is another worker
        self._worker = f"{runtime.conf.host}:{uuid.uuid4().hex[:8]}"
        self._keeper = leases.LeaseKeeper(runtime, self._worker, self._site_id)
        self._scanner = recovery.Scanner(
            runtime,
            self._site_id,
            runner.Runner(
                runtime, self._site_id, self._keeper, self._stopping
            ),
            self._stopping,
        )
        self._mirror = mirror.Mirror(runtime, self._site_id)
        self._observer = observer.Observer(runtime)
        self._arrays = array_watch.ArrayWatch(runtime)
        self._reprotection = reprotection.Reprotection(
            runtime, self._scanner.ring
        )
        self._drills = drill_leases.DrillLeases(runtime, self._scanner.ring)
        self._undo_copies = undo_copies.UndoCopies(runtime)
        self._late = (
            late_staging.LateStaging(runtime),
            late_copies.LateCopies(runtime),
            late_locks.LateLocks(runtime),
        )
        self._threads: list[threading.Thread] = []
        self._server: Any = None

    def start(self) -> None:
        """Serve RPC and run what is to be run, in threads."""
        # before anything is done on what may be an older copy
        adoption.at_start(self._runtime)
        self._keeper.start()
        self._scanner.start()
        scan = self._runtime.conf.engine.scan_interval
        self._every("mirror", MIRROR_INTERVAL, self._mirror.run)
        self._every("observe", scan, self._observer.run)
        self._every("arrays", scan, self._arrays.run)
        checks = checkups.Checkups(self._runtime)
        self._every("check", scan, checks.run, self._rest)
        self._every("push", scan, self._push_unsent)
        self._every("reprotect", scan, self._reprotection.run)
        self._every("drills", scan, self._drills.run)
        self._every("undo", UNDO_INTERVAL, self._undo_copies.run)
        self._every("late", UNDO_INTERVAL, self._look_for_what_is_late)
        self._every("locks", scan, releasing.SourceReturn(self._runtime).run)
        self._every("fence", scan, quarantine.Quarantine(self._runtime).run)
        endpoint = manager.Manager(
            self._runtime, self._site_id, self._scanner.ring, self._status
        )
        self._server = self._runtime.bus.server([endpoint], self._worker)
        self._server.start()
        LOG.info("Engine %s serves", self._worker)

    def stop(self) -> None:
        """Stop taking work; what runs is given back for adoption."""
        self._stopping.set()
        if self._server is not None:
            self._server.stop()
            self._server.wait()
        self._scanner.stop()
        for thread in self._threads:
            thread.join()
        self._keeper.stop()
        self._runtime.notifications.flush()

    def _status(self) -> dict[str, Any]:
        return {
            "host": self._runtime.conf.host,
            "worker": self._worker,
            "operations": self._scanner.running,
            "arrays": self._arrays.seen,
        }

    def _rest(self, took: float) -> float:
        return CHECKS_REST * took if self._scanner.running else 0.0

    def _every(
        self,
        name: str,
        seconds: float,
        call: Callable[[], None],
        rest: Callable[[float], float] = lambda took: 0.0,
    ) -> None:
        """:param rest: how long to pause, if that is more than ``seconds``,
        after a call that took so long."""
        clock = self._runtime.clock

        def loop() -> None:
            pause = seconds
            while not clock.wait(self._stopping, pause):
                began = clock.monotonic()
                try:
                    call()
                except Exception:
                    LOG.exception("Periodic work %s failed", name)
                pause = max(seconds, rest(clock.monotonic() - began))

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _look_for_what_is_late(self) -> None:
        for work in self._late:
            work.run()

    def _push_unsent(self) -> None:
        """Repeat pushes whose time has come, and tell of tombstones."""
        now = self._runtime.clock.now()
        with self._runtime.db.reader() as session:
            groups = metadata_sync.unsent(session, now, self._site_id)
            dead = protection_groups.tombstone_ids(session)
            untold = [
                (row.protection_group_id, row.site_id)
                for row in tombstones.untold(session)
            ]
        for group_id in groups:
            self._try(push.deliver, group_id)
        for group_id in dead:
            self._try(_tell_tombstone, group_id)
        for group_id, site_id in untold:
            self._try(
                functools.partial(_tell_returned, site_id=site_id), group_id
            )

    def _try(self, call: Callable[[Any, str], Any], group_id: str) -> None:
        try:
            call(self._runtime, group_id)
        except exception.ProtectorError as e:
            LOG.info("Group %s: %s", group_id, e)
        except Exception:
            LOG.exception("Group %s: unexpected", group_id)


def _tell_tombstone(runtime: Runtime, group_id: str) -> None:
    """The peer drops its copy of a deleted group; then it is forgotten."""
    with runtime.db.reader() as session:
        group = session.get(protection_groups.Group, group_id)
        if group is None or group.operation_id is not None:
            return
        scene = scenes.load(session, runtime.conf, group_id)
    site = access.clients(runtime, scene.sites[scene.peer_site_id])
    site.peer.forget(group_id)
    with runtime.db.writer() as session:
        protection_groups.forget(session, group_id)


def _tell_returned(runtime: Runtime, group_id: str, site_id: str) -> None:
    """A site that was lost forgets a group that went on without it, once it
    is back and what runs elsewhere is down there."""
    with runtime.db.reader() as session:
        row = session.get_one(tombstones.Tombstone, (group_id, site_id))
        site = sites.get(session, site_id)
    if site.status == c.SiteStatus.UNREACHABLE:
        return
    peer = access.clients(runtime, site).peer
    with contextlib.suppress(exception.NotFound, exception.StaleDocument):
        # or it took the group itself meanwhile, and goes on with it
        peer.forget(group_id, {"epoch": row.epoch, "running": row.running})
    with runtime.db.writer() as session:
        tombstones.told(session, group_id, site_id)


class EngineService(cotyledon.Service):
    """One engine process under cotyledon.

    The runtime is built in the worker: connections do not survive a fork.
    """

    name = "protector-engine"

    def __init__(self, worker_id: int, prepare: Callable[[], Runtime]) -> None:
        super().__init__(worker_id)
        self._prepare = prepare
        self._engine: Engine | None = None

    def run(self) -> None:
        self._engine = Engine(self._prepare())
        self._engine.start()

    def terminate(self) -> None:
        if self._engine is not None:
            self._engine.stop()

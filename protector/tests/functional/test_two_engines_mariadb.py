# SPDX-License-Identifier: Apache-2.0
"""Two engines of a site tell or write down the same at the same moment, on
MariaDB."""

from collections.abc import Callable, Iterator
from concurrent import futures
import contextlib
from typing import Any

import sqlalchemy as sa

from protector.db import models
from protector.engine import observer, reading
from protector.tests.fixtures import emulated_arrays, mariadb
from protector.tests.unit.api.controllers import test_peer
from protector.tests.unit.engine import case, fakes

SECONDS = 30


@contextlib.contextmanager
def held(db: Any, model: Any, key: str) -> Iterator[Callable[[Any], Any]]:
    """A row is held while calls are begun: each waits for it, in order.

    Gives what begins a call.
    """
    waiting = sa.text(
        "SELECT COUNT(*) FROM information_schema.processlist"
        " WHERE db = DATABASE() AND info LIKE '%FOR UPDATE'"
    )
    begun = 0

    def enough() -> bool:
        with db.engine.connect() as connection:
            return connection.scalar(waiting) >= begun

    def begin(call: Callable[[], Any]) -> futures.Future[Any]:
        nonlocal begun
        begun += 1
        future = pool.submit(call)
        emulated_arrays.wait_until(enough, SECONDS)
        return future

    with futures.ThreadPoolExecutor() as pool, db.writer() as session:
        session.get(model, key, with_for_update=True)
        yield begin


class Documents(mariadb.OnMariaDB, test_peer.DocumentTest):
    def test_each_is_applied_to_the_one_before(self) -> None:
        self.ok(self.push(self.document()))
        member_id = self.other.member(self.group_id)
        grown = self.document()
        with self.other.runtime.db.writer() as session:
            session.delete(session.get(models.Member, member_id))
        shrunk = self.document()
        with held(self.db, models.Site, self.site.peer_id) as begin:
            pushed = [
                begin(lambda raw=raw: self.push(raw))
                for raw in (grown, shrunk)
            ]
        for each in pushed:
            self.ok(each.result(SECONDS))
        with self.db.reader() as session:
            self.assertIsNone(session.get(models.Member, member_id))


class Mirrors(mariadb.OnMariaDB, test_peer.MirrorTest):
    def test_one_operation_told_twice(self) -> None:
        with held(self.db, models.Site, self.site.peer_id) as begin:
            told = [begin(self.mirror) for _ in range(2)]
        for each in told:
            self.ok(each.result(SECONDS))


class Points(mariadb.OnMariaDB, case.EngineCase):
    def test_a_point_is_found_by_both(self) -> None:
        member_id = self.site.member(self.group_id)
        volume = self.volume_name(member_id, self.site.local_id)
        self.driver.points["here"] = [fakes.point("here", "e1", 5, [volume])]
        looking = [observer.Observer(self.runtime) for _ in range(2)]
        with held(
            self.runtime.db, models.ProtectionGroup, self.group_id
        ) as begin:
            found = [begin(lambda x=x: self.look(x)) for x in looking]
        for each in found:
            each.result(SECONDS)
        with self.runtime.db.reader() as session:
            self.assertEqual(1, session.query(models.RecoveryPoint).count())

    def look(self, watching: observer.Observer) -> None:
        """At the group; raises what ``run`` shows as a condition."""
        reader = reading.Reader.of(self.runtime, self.group_id)
        driver = self.runtime.storage.reader(reading.forbid)
        seen = observer._look(reader, driver)
        watching._written(reader, (0, 0), seen)

# SPDX-License-Identifier: Apache-2.0
"""The leases of an engine that runs many operations at once."""

import contextlib
from typing import Any
from unittest import mock

from protector.db import models
from protector.engine import leases
from protector.tests.unit.engine import case

SECONDS = 60
MANY = 20


class LeaseKeeperTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.runtime.conf.set_override("lease_seconds", SECONDS, "engine")
        self.keeper = leases.LeaseKeeper(
            self.runtime, "engine", self.site.local_id
        )

    def held(self) -> leases.HeldLease:
        self.group_id = self.site.group()
        held = self.keeper.take(self.accept("update"))
        assert held is not None
        return held

    def renew(self) -> None:
        """What the keeper's thread does once in a while."""
        held = list(self.keeper._held.values())
        self.keeper._renew(held, SECONDS)

    def test_all_are_renewed_by_one_transaction(self) -> None:
        held = [self.held() for _ in range(MANY)]
        self.clock.advance(SECONDS - 1)
        writer = self.runtime.db.writer
        with mock.patch.object(
            self.runtime.db, "writer", mock.Mock(side_effect=writer)
        ) as turns:
            self.renew()
        self.assertEqual(1, turns.call_count)
        self.clock.advance(SECONDS - 1)
        self.assertEqual([True] * MANY, [lease.stands for lease in held])

    def test_waiting_to_write_does_not_shorten_them(self) -> None:
        held = self.held()
        writer = self.runtime.db.writer

        @contextlib.contextmanager
        def queued() -> Any:
            self.clock.advance(SECONDS / 2)
            with writer() as session:
                yield session

        with mock.patch.object(self.runtime.db, "writer", queued):
            self.renew()
        self.clock.advance(SECONDS - 1)
        self.assertTrue(held.stands)

    def test_one_that_is_gone_does_not_take_the_others_along(self) -> None:
        gone, other = self.held(), self.held()
        with self.runtime.db.writer() as session:
            # another engine has adopted it
            session.get(
                models.Operation, gone.token.operation_id
            ).worker = "another"
        self.clock.advance(SECONDS - 1)
        self.renew()
        self.assertFalse(gone.stands)
        self.assertTrue(other.stands)

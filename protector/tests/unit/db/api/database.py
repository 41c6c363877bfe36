# SPDX-License-Identifier: Apache-2.0
"""What the tests of the queries share: databases, groups, operations.

A test class that runs on another server overrides ``connection``.
"""

from collections.abc import Callable
import threading
from typing import Any
import uuid

from protector.db import models
from protector.db.api import operations, protection_groups
from protector.tests import base
from protector.tests.fixtures import site_runtime

NOW = site_runtime.NOW


class DatabaseTest(base.TestCase):
    """``site`` is one site; ``peer()`` makes the other one of the pair."""

    def connection(self, name: str) -> str | None:
        """URL of an empty database; None for an SQLite file."""
        return None

    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(
            site_runtime.SiteRuntime(connection=self.connection("a"))
        )
        self.db = self.site.runtime.db

    def peer(self) -> site_runtime.SiteRuntime:
        return self.useFixture(
            site_runtime.SiteRuntime(
                connection=self.connection("b"), peer_of=self.site
            )
        )

    def accept(
        self, group_id: str, verb: str = "update", **values: Any
    ) -> str:
        """An accepted operation, executed here; its id."""
        given = {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.local_id,
            "target_site_id": self.site.peer_id,
        }
        now = values.pop("created_at", NOW)
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            return operations.accept(
                session, now, group, verb, given | values
            ).id

    def set_group(self, group_id: str, **values: Any) -> None:
        with self.db.writer() as session:
            group = protection_groups.get(session, group_id)
            for name, value in values.items():
                setattr(group, name, value)

    def group_row(self, group_id: str) -> models.ProtectionGroup:
        with self.db.reader() as session:
            return session.get(models.ProtectionGroup, group_id)

    def operation_row(self, operation_id: str) -> models.Operation:
        with self.db.reader() as session:
            row = operations.get(session, operation_id)
            list(row.steps)
            return row

    def set_operation(self, operation_id: str, **values: Any) -> None:
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            for name, value in values.items():
                setattr(row, name, value)


def new_id() -> str:
    return str(uuid.uuid4())


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls at the same moment; what each returned or raised."""
    gate = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        gate.wait(20)
        try:
            found[number] = call()
        except Exception as e:
            found[number] = e

    threads = [
        threading.Thread(target=run, args=pair) for pair in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found

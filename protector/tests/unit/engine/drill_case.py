# SPDX-License-Identifier: Apache-2.0
"""A drill of one member in memory: a point, a test network, a type for
clones."""

from typing import Any

from protector import exception
from protector.clients import types
from protector.db import models
from protector.db.api import drills
from protector.engine import context
from protector.storage import base
from protector.tests.unit.engine import arrival_case, fakes
from protector.tests.unit.engine import fake_project as fake

Json = dict[str, Any]
BACKEND = {"volume_backend_name": "pure"}
REPLICATED = {"replication_enabled": "<is> True"}


class Driver(arrival_case.Driver):
    """Volumes that are there are in ``live``."""

    def __init__(self) -> None:
        super().__init__()
        self.live: set[str] = set()

    def get_volume(self, array: base.Array, name: str) -> base.Volume:
        if name not in self.live:
            raise exception.ArrayNotFound(f"no volume {name}")
        return base.Volume(name, "serial", 1)

    def overwrite(self, direction: Any, *names: str) -> None:
        self._asked("overwrite", *names)

    def destroy_volumes(self, array: Any, prefix: str, keep: Any = ()) -> Any:
        self._asked("destroy_volumes", prefix)
        return []


class DrillCase(arrival_case.ArrivalCase):
    """``self.ctx``: a step's context for the one member."""

    def setUp(self) -> None:
        super().setUp()
        self.driver = Driver()
        self.runtime.storage = fakes.Storage(self.driver)
        self.there.volume.types = self.types
        self.there.network.nets.append({"id": "n2", "name": "test-net"})
        self.there.compute.keypairs = list
        self.there.network.quotas = list
        self.there.placement = fake.Placement()
        self.map(secondary_test="test-net")
        self.points(self.source_volume())
        self.end(self.ctx.operation.id)
        self.set_group(status="active")
        self.ctx = self.for_member("test_failover")
        self.plain = self.ctx_of(None)

    def types(self) -> list[types.VolumeType]:
        return [
            types.VolumeType("type", "gold", BACKEND | REPLICATED),
            types.VolumeType("t2", "silver", BACKEND),
            types.VolumeType("t3", "bronze", {}),
        ]

    def map(self, **pair: str) -> None:
        with self.runtime.db.writer() as session:
            session.merge(
                models.ResourceMapping(
                    protection_group_id=self.group_id,
                    mappings={
                        "networks": [
                            {"primary": "net", "secondary": "net"} | pair
                        ]
                    },
                    created_at=self.clock.now(),
                )
            )

    def source_volume(self) -> str:
        return self.volume_name(self.member_id, self.site.local_id)

    def points(self, *volumes: str) -> None:
        point = fakes.point("here", "e1", -5, volumes)
        self.driver.points = {"here": [point]}

    def ctx_of(self, member_id: str | None) -> context.StepContext:
        """Of another step of the same operation."""
        deadline = self.clock.monotonic() + 600
        return context.StepContext(
            self.ctx.work, self.ctx.operation, member_id, deadline
        )

    def cleanup(self) -> None:
        """``ctx`` and ``plain`` are those of the drill's cleanup."""
        self.end(self.ctx.operation.id)
        self.ctx = self.for_member("test_cleanup")
        self.plain = self.ctx_of(None)

    def drill(self) -> models.Drill:
        with self.runtime.db.reader() as session:
            found = drills.find(session, self.group_id)
        assert found is not None
        return found

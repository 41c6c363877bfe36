# SPDX-License-Identifier: Apache-2.0
"""Which staging volumes came too late, and go."""

from protector import exception
from protector.db import models
from protector.engine import late_staging
from protector.tests.unit.engine import case

DAY = 24 * 3600


class LateStagingTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.work = late_staging.LateStaging(self.runtime)
        self.operation_id = self.accept(
            "failover", target_site_id=self.site.local_id
        )

    def ran(self, generation: int = 2, staged: bool = True) -> None:
        """That many engines have run it."""
        with self.runtime.db.writer() as session:
            row = session.get_one(models.Operation, self.operation_id)
            row.generation = generation
            row.finished_at = self.clock.now()
            row.data = {**row.data, "staged": True} if staged else row.data

    def looked(self) -> list[tuple[str, str]]:
        self.work.run()
        found = self.driver.named("destroy_volumes")
        return [(array, prefix) for _, array, prefix, *_ in found]

    def test_of_an_adopted_operation(self) -> None:
        self.end(self.operation_id)
        self.ran()
        prefix = f"protector-{self.operation_id}-"
        self.assertEqual([("array-a", prefix)], self.looked())

    def test_not_of_one_that_runs(self) -> None:
        self.ran()
        self.assertEqual([], self.looked())

    def test_not_when_one_engine_ran_it(self) -> None:
        self.end(self.operation_id)
        self.ran(generation=1)
        self.assertEqual([], self.looked())

    def test_not_when_nothing_was_staged(self) -> None:
        self.end(self.operation_id)
        self.ran(staged=False)
        self.assertEqual([], self.looked())

    def test_not_for_ever(self) -> None:
        self.end(self.operation_id)
        self.ran()
        self.clock.advance(2 * DAY)
        self.assertEqual([], self.looked())

    def test_a_silent_array_is_asked_again(self) -> None:
        self.end(self.operation_id)
        self.ran()
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.assertEqual([], self.looked())
        self.driver.error = None
        self.assertEqual(1, len(self.looked()))

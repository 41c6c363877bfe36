# SPDX-License-Identifier: Apache-2.0
"""The matrix can fail: an engine that breaks one of the rules which keep
data safe is caught by what the matrix looks at."""

from collections.abc import Callable
from typing import Any

import fixtures

from protector import constants as c
from protector.engine import stepping
from protector.tests.failure import kills, mortal, tour


class At(kills.Kills):
    """Deaths at one step only."""

    def __init__(self, kind: str, step: str) -> None:
        super().__init__(kind)
        self._step = step

    def ends(self, moment: mortal.Moment) -> bool:
        return moment.step == self._step and super().ends(moment)


class Overwriting(kills.Pauses):
    """An engine that pauses before a call of its overwrite.

    :param path: the beginning of what is called.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def ends(self, moment: mortal.Moment) -> bool:
        overwrites = moment.step == "volumes.overwrite"
        return (
            overwrites and self._path in moment.detail and super().ends(moment)
        )


class MutationTest(tour.Tour):
    MATRIX = "mutation"

    def setUp(self) -> None:
        super().setUp()
        self.met: mortal.Plan = mortal.Plan()

    def plan(self, name: str) -> mortal.Plan:
        return self.met

    def test_mutations(self) -> None:
        self.create()
        self.set_mappings()
        self._does_not_look_for_what_it_made()
        self.add_member()
        self._ignores_its_lease()
        self._leaves_its_staging()
        self._records_before_it_acts()

    def _does_not_look_for_what_it_made(self) -> None:
        before = self.inventory()
        self.met = kills.Kills("after")
        with self._mutated("records.marked_volume", lambda *args: None):
            self.add_member()
        self.met = mortal.Plan()
        self.remove_member()
        self._caught("makes it again", lambda: self.expect_unchanged(before))

    def _ignores_its_lease(self) -> None:
        """So one that was paused copies what it staged late."""
        self.write(self.a)
        self.met = paused = Overwriting("/volume/protector-")
        self.addCleanup(paused.thaw.set)
        self.run_verb("failover", self.b, type="planned")
        self.write(self.b)
        parked = self.held(self.b)
        self.met = mortal.Plan()
        self.run_verb("failback", self.a, type="planned")
        with self._mutated("leases.HeldLease.check", lambda lease: None):
            paused.thaw.set()
            self.bed.b.gather()
        self._caught(
            "ignores its lease",
            lambda: self.expect_on_array(self.b, parked),
        )

    def _leaves_its_staging(self) -> None:
        """So a late copy of a paused engine finds its source."""
        self.write(self.a)
        # it has yet to copy what it staged
        self.met = paused = Overwriting("/volume/volume-")
        self.addCleanup(paused.thaw.set)
        with fixtures.MonkeyPatch(
            "protector.storage.pure.driver.PureDriver.destroy_volumes",
            lambda *args, **kwargs: [],
        ):
            self.run_verb("failover", self.b, type="planned")
        self.expect_content(self.b)
        self.write(self.b)
        paused.thaw.set()
        self.bed.b.gather()
        self._caught("leaves its staging", lambda: self.expect_content(self.b))
        self.write(self.b)

    def _records_before_it_acts(self) -> None:
        repeat = stepping._repeat

        def hasty(work: Any, row: Any, *args: Any) -> Any:
            stepping._record(work, row, status=c.StepStatus.DONE)
            return repeat(work, row, *args)

        self.met = At("before", "volumes.overwrite")
        with self._mutated("stepping._repeat", hasty):
            self._caught("records before it acts", self._fail_back)

    def _fail_back(self) -> None:
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)

    def _mutated(self, name: str, value: Any) -> fixtures.MonkeyPatch:
        return fixtures.MonkeyPatch(f"protector.engine.{name}", value)

    def _caught(self, what: str, look: Callable[[], None]) -> None:
        try:
            look()
        except self.failureException:
            # as it has to be
            told = self.violations.pop()
            self.rows.append([what, "caught", told])
            return
        self.violated("is caught", what)

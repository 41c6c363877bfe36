# SPDX-License-Identifier: Apache-2.0
"""Every workflow while what the processes use goes away: the engine lives on
and loses its database at every moment, and the broker is gone all the time.

The rounds are those in which engines die.
"""

from collections.abc import Callable
from typing import Any

from openstack import exceptions

from protector.db import models
from protector.tests.failure import (
    kill_case,
    kills,
    mortal,
    outages,
    test_kill_lost,
    test_kill_matrix,
)


class OutageCase(kill_case.KillCase):
    MATRIX = "outage"
    PASSES = (kills.KINDS,)

    def make_bed(self) -> Any:
        made = super().make_bed()
        for site in made.sites:
            # or nobody would be told
            site.conf.set_override(
                "driver", ["messagingv2"], "oslo_messaging_notifications"
            )
        self.broker = self.useFixture(outages.Broker())
        return made

    def plan(self, name: str) -> mortal.Plan:
        return outages.Outages() if self.kinds else mortal.Plan()

    def attempt(
        self,
        at: Any,
        verb: str,
        start: Callable[[], Any],
        name: str,
        plan: mortal.Plan,
    ) -> models.Operation:
        if not self.kinds:
            return super().attempt(at, verb, start, name, plan)
        with self.broker.gone("precheck"):
            self._refused(at, verb, start, "No protector-engine")
        with outages.before_the_commit():
            self._refused(at, verb, start, "The database")
        with self.broker.gone("release") as lost:
            ended = super().attempt(at, verb, start, name, plan)
            self.expect("no doorbell rang", "start" in lost, lost)
        self.rows += [
            [name, "broker gone", "-", what] for what in ("precheck", *lost)
        ]
        self.rows.append([name, "API died", "-", "before its commit"])
        return ended

    def _refused(
        self, at: Any, verb: str, start: Callable[[], Any], why: str
    ) -> None:
        """Nothing is changed by it."""
        before = self._known(at)
        try:
            answer = start()
        except exceptions.HttpException as e:
            told = e.status_code == 503 and why in str(e)
            self.expect(f"{verb} is refused", told, e)
        else:
            self.violated(f"{verb} is refused", answer)
        self.expect("nothing is written", self._known(at) == before)

    def _known(self, at: Any) -> tuple[set[str], list[tuple[str, str]]]:
        groups = [(g.id, g.status) for g in at.protection_groups()]
        return self.site(at).known(), groups


class GroupsTest(OutageCase, test_kill_matrix.GroupsTest):
    pass


class MovesTest(OutageCase, test_kill_matrix.MovesTest):
    pass


class DrillsTest(OutageCase, test_kill_matrix.DrillsTest):
    pass


class DisastersTest(OutageCase, test_kill_matrix.DisastersTest):
    # the lease is looked up between two calls, if one attempt makes both
    FENCED = (("dropped recorded", "saved"),)


class CleanupsTest(OutageCase, test_kill_matrix.CleanupsTest):
    pass


class ParkedTest(OutageCase, test_kill_matrix.ParkedTest):
    pass


class AloneTest(OutageCase, test_kill_lost.AloneTest):
    pass


class SplitTest(OutageCase, test_kill_lost.SplitTest):
    pass


class ReclaimTest(OutageCase, test_kill_lost.ReclaimTest):
    pass

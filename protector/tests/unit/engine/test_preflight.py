# SPDX-License-Identifier: Apache-2.0
"""Preflight: everything that could stop a verb, at once."""

from collections.abc import Callable

from protector import exception
from protector.clients import types
from protector.engine import finding, preflight
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine.preflight import preflight_case


class PreflightTest(preflight_case.PreflightCase):
    def test_nothing_in_the_way(self) -> None:
        self.assertEqual([], self.findings())
        self.assertEqual([], self.source.changes + self.target.changes)

    def test_everything_at_once(self) -> None:
        self.everything()
        self.assertEqual(
            {
                "peer",
                "servers",
                "mappings",
                "volumes",
                "replication",
            },
            {f.check for f in self.findings()},
        )

    def test_an_unreachable_cloud_is_one_finding(self) -> None:
        asked = []

        def away(*args: object) -> None:
            asked.append(args)
            raise exception.CloudUnavailable(
                "timed out", site="there", service="Nova"
            )

        self.target.compute.flavors = away
        self.target.compute.quotas = away
        self.quota(types.Quota("volumes", 1, 0, 0))
        found = self.findings()
        self.assertEqual(["mappings", "volumes"], [f.check for f in found])
        self.assertEqual("timed out", found[0].message)
        # the others were not kept waiting for it
        self.assertEqual(1, len(asked))

    def test_a_silent_site_is_left_alone(self) -> None:
        asked = []

        def away(service: str) -> Callable[..., object]:
            def ask(*args: object) -> None:
                asked.append(service)
                raise exception.CloudUnavailable(
                    f"{service} timed out", site="there", service=service
                )

            return ask

        self.target.identity.check = away("Keystone")
        self.target.compute.flavors = away("Nova")
        self.target.volume.quotas = away("Cinder")
        self.assertEqual(["rights"], [f.check for f in self.findings()])
        self.target.identity = fake.Project().identity
        self.target.network.networks = away("Neutron")
        asked.clear()
        found = [f.message for f in self.findings()]
        self.assertEqual(["Nova timed out", "Cinder timed out"], found)
        self.assertEqual(["Nova", "Cinder"], asked)

    def test_a_lost_lease_is_no_finding(self) -> None:
        self.ctx.peer.error = exception.LeaseLost("lost")
        self.assertRaises(exception.LeaseLost, self.findings)

    # -- what did not answer is asked again

    def require(self, pauses: list[float] | None) -> list[finding.Finding]:
        self.as_recorded()
        return preflight.require(
            self.ctx,
            preflight_case.HERE,
            preflight_case.THERE,
            preflight.PLANNED,
            None if pauses is None else pauses.append,
        )

    def test_one_refusal_stops_no_move(self) -> None:
        refusals = [
            exception.CloudUnavailable("429", site="there", service="Nova"),
            exception.CloudUnavailable("broken", site="there", service="Nova"),
        ]
        answer = self.target.compute.flavors

        def ill() -> object:
            if refusals:
                raise refusals.pop()
            return answer()

        self.target.compute.flavors = ill
        pauses: list[float] = []
        self.assertEqual([], self.require(pauses))
        self.assertEqual(2, len(pauses))

    def test_what_never_answers_is_not_asked_for_ever(self) -> None:
        for error in (
            exception.PeerUnreachable("away"),
            exception.ServiceUnavailable("no database"),
        ):
            self.ctx.peer.error = error
            pauses: list[float] = []
            failed = self.assertRaises(
                exception.PreflightFailed, self.require, pauses
            )
            self.assertEqual(error.message, failed.message)
            self.assertGreater(len(pauses), 1)
            self.assertLess(sum(pauses), 5)

    def test_an_answer_is_not_asked_again(self) -> None:
        self.target.compute.known_flavors = []
        pauses: list[float] = []
        self.assertRaises(exception.PreflightFailed, self.require, pauses)
        self.assertEqual([], pauses)

    def test_who_is_waited_for_asks_once(self) -> None:
        self.ctx.peer.error = exception.PeerUnreachable("away")
        self.assertRaises(exception.PreflightFailed, self.require, None)

    # -- the same fact, and the verb that it stops

    def everything(self) -> None:
        """All that can be in the way."""
        self.ctx.peer.error = exception.PeerUnreachable("away")
        self.ctx.told = exception.ArrayUnavailable("no answer")
        self.source.compute.servers["s-web"] = fake.server(status="RESCUE")
        self.target.compute.known_flavors = []
        self.quota(types.Quota("volumes", 1, 0, 0))

    def test_what_may_stop_an_unplanned_failover(self) -> None:
        self.everything()
        found = self.findings(intent=preflight.UNPLANNED)
        by_severity = {
            severity: {f.check for f in found if f.severity == severity}
            for severity in ("error", "warning")
        }
        self.assertEqual(
            {"error": {"mappings", "points"}, "warning": {"volumes"}},
            by_severity,
        )

    def test_an_unplanned_failover_asks_nothing_of_the_lost_site(self) -> None:
        asked: list[str] = []
        project, site = self.ctx.tenant, self.ctx.site

        def of_project(site_id: str) -> object:
            asked.append(site_id)
            return project(site_id)

        def of_site(site_id: str) -> object:
            asked.append(site_id)
            return site(site_id)

        self.ctx.tenant, self.ctx.site = of_project, of_site
        self.findings(intent=preflight.UNPLANNED)
        self.assertEqual({preflight_case.THERE}, set(asked))

    def test_each_verb_is_stopped_by_its_own(self) -> None:
        self.everything()
        for verb, args, wanted in (
            (
                "failover",
                {"type": "planned"},
                {"peer", "servers", "mappings", "volumes", "replication"},
            ),
            ("failback", {"type": "unplanned"}, {"mappings", "points"}),
            ("replicate", {}, {"replication"}),
            ("reprotect", {}, {"peer"}),
        ):
            found = self.findings(intent=preflight.intent(verb, args))
            stopping = {f.check for f in preflight.errors(found)}
            self.assertEqual(wanted, stopping, verb)

    def test_an_unknown_verb_is_not_taken_for_a_failover(self) -> None:
        for verb, args in (
            ("failover", {}),
            ("failover", {"type": "sideways"}),
            ("replicate", {"type": "planned"}),
            ("test_failover", {"type": "planned"}),
        ):
            error = self.assertRaises(
                exception.BadRequest, preflight.intent, verb, args
            )
            self.assertIn(verb, error.message)

    def test_a_verb_is_stopped_only_by_what_it_looks_at(self) -> None:
        for intent in (
            preflight.PLANNED,
            preflight.UNPLANNED,
            preflight.REPLICATE,
            preflight.REPROTECT,
            preflight.TEST_FAILOVER,
            preflight.TEST_CLEANUP,
        ):
            self.assertLessEqual(intent.blocking, set(intent.checks))
            self.assertLessEqual(set(intent.checks), set(preflight.CHECKS))

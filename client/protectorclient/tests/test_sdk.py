# SPDX-License-Identifier: Apache-2.0
"""The SDK service over real HTTP."""

from __future__ import annotations

import openstack
from openstack import exceptions

from protectorclient import errors, sdk, wait
from protectorclient.tests import base, fake_cloud
from protectorclient.tests.fake_protector import SITE_A, SITE_B, TYPE


class LoadTest(base.SitesCase):
    """How the service gets onto a connection."""

    def test_vendor_hook_in_clouds_yaml(self) -> None:
        self.write_clouds(vendor_hook="protectorclient.sdk:load")
        conn = openstack.connect(cloud="site-a")
        self.addCleanup(conn.close)
        self.site_a.make_group("one")
        names = [group.name for group in conn.protector.protection_groups()]
        self.assertEqual(["one"], names)

    def test_loading_twice_does_no_harm(self) -> None:
        conn = self.connect()
        sdk.load(conn)
        self.assertEqual([], list(conn.protector.protection_groups()))

    def test_pins_microversion_and_needs_no_discovery(self) -> None:
        proxy = self.connect().protector
        list(proxy.protection_groups())
        call = self.site_a.asked("GET", "/protection-groups")[0]
        self.assertEqual(
            "protector 1.2", call.headers["openstack-api-version"]
        )
        self.assertEqual(
            f"/dr/v1/{fake_cloud.PROJECT}/protection-groups", call.path
        )
        self.assertEqual([], self.site_a.asked("GET", "/dr/"))

    def test_endpoint_override_and_version_of_clouds_yaml(self) -> None:
        self.write_clouds(
            protector_endpoint_override=f"{self.site_b.url}/dr",
            protector_api_version="1",
        )
        list(self.connect().protector.protection_groups())
        self.assertEqual(
            1, len(self.site_b.asked("GET", "/protection-groups"))
        )


class ResourcesTest(base.SitesCase):
    """Resources and actions."""

    def setUp(self) -> None:
        super().setUp()
        self.proxy = self.connect().protector

    def test_create_says_where_the_operation_is(self) -> None:
        group = self.proxy.create_protection_group(
            name="g",
            replication_type="async",
            primary_site_id=SITE_A,
            secondary_site_id=SITE_B,
            volume_type_id=TYPE,
        )
        self.assertEqual(
            self.site_a.operations[0]["id"], group.accepted_operation_id
        )
        body = self.site_a.asked("POST", "/protection-groups")[0].body
        self.assertEqual(
            {
                "name",
                "replication_type",
                "primary_site_id",
                "secondary_site_id",
                "volume_type_id",
            },
            set(body["protection_group"]),
        )

    def test_update_sends_only_what_changes(self) -> None:
        group = self.site_a.make_group("g")
        found = self.proxy.find_protection_group("g")
        shown = self.proxy.update_protection_group(found, description="new")
        self.assertEqual("new", shown.description)
        self.assertIsNone(shown.accepted_operation_id)
        call = self.site_a.asked("PUT", group["id"])[0]
        self.assertEqual(
            {"protection_group": {"description": "new"}}, call.body
        )

    def test_pages_are_followed_by_relative_links(self) -> None:
        self.site_a.page = 2
        for number in range(5):
            self.site_a.make_group(f"g{number}")
        names = [group.name for group in self.proxy.protection_groups()]
        self.assertEqual(["g0", "g1", "g2", "g3", "g4"], names)
        calls = self.site_a.asked("GET", "/protection-groups")
        self.assertEqual(3, len(calls))

    def test_unknown_fields_are_kept(self) -> None:
        self.site_a.make_group("g", of_tomorrow=7)
        group = self.proxy.find_protection_group("g")
        self.assertEqual(7, group.to_dict()["of_tomorrow"])

    def test_all_projects(self) -> None:
        list(self.proxy.protection_groups(all_projects=True))
        call = self.site_a.asked("GET", "/protection-groups")[0]
        self.assertEqual("True", call.query["all_tenants"].title())

    def test_ambiguous_name_lists_candidates(self) -> None:
        ids = [self.site_a.make_group("twin")["id"] for _ in range(2)]
        error = self.assertRaises(
            errors.AmbiguousName, self.proxy.find_protection_group, "twin"
        )
        self.assertEqual(ids, error.candidates)
        self.assertIsInstance(error, exceptions.DuplicateResource)

    def test_missing(self) -> None:
        self.assertRaises(
            exceptions.NotFoundException,
            self.proxy.find_protection_group,
            "nobody",
        )
        self.assertIsNone(
            self.proxy.find_protection_group("nobody", ignore_missing=True)
        )

    def test_members_policy_mappings(self) -> None:
        group = self.site_a.make_group("g")
        member = self.site_a.make_member("web", 2)
        found = self.proxy.find_member(group["id"], member["instance_id"])
        self.assertEqual(member["id"], found.id)
        policy = self.proxy.set_replication_policy(group["id"], rpo_minutes=30)
        self.assertEqual(30, policy.rpo_minutes)
        pairs = [{"primary": "a", "secondary": "b"}]
        self.proxy.set_resource_mappings(group["id"], networks=pairs)
        self.assertEqual({"networks": pairs}, self.site_a.mappings)
        self.assertIsNone(
            self.proxy.remove_member(
                group["id"], member["id"]
            ).accepted_operation_id
        )

    def test_a_site_is_left_by_all_its_groups(self) -> None:
        here = self.site_a.make_group("here")
        away = self.site_a.make_group("away", current_primary_site_id=SITE_B)
        for site, group, verb in (
            (SITE_A, here, "failover"),
            (SITE_B, away, "failback"),
        ):
            (planned,) = self.proxy.evacuate_site(site, dry_run=True)
            self.assertEqual(self.site_a.plan, planned.answer)
            (started,) = self.proxy.evacuate_site(site, type="unplanned")
            self.assertEqual(group["id"], started.group.id)
            self.assertEqual(verb, started.answer.kind)
            self.assertIsNone(started.error)

    def test_dry_run_stands_beside_the_verb(self) -> None:
        group = self.site_a.make_group("g")
        plan = self.proxy.dry_run_protection_group(
            group["id"], "failover", type="planned"
        )
        self.assertEqual(self.site_a.plan, plan)
        self.assertEqual(
            {"failover": {"type": "planned"}, "dry_run": True},
            self.site_a.asked("POST", "/action")[0].body,
        )


class SecretsTest(base.SitesCase):
    """What must not be in a debug log."""

    def test_passwords_and_tokens_are_not_logged(self) -> None:
        proxy = self.connect().protector
        group = self.site_a.make_group("g")
        proxy.register_site(name="b", password="hunter2")
        proxy.set_replication_policy(
            group["id"], primary_fa_api_token="t0ps3cret"
        )
        self.assertEqual("hunter2", self.site_a.registered[0]["password"])
        self.assertNotIn("hunter2", self.logs.output)
        self.assertNotIn("t0ps3cret", self.logs.output)
        self.assertIn("protection-groups", self.logs.output)


class ErrorsTest(base.SitesCase):
    """What a refusal becomes."""

    def _refused(self, answer: fake_cloud.Answer) -> Exception:
        self.site_a.instead.append(("GET", "/protection-groups", answer))
        proxy = self.connect().protector
        return self.assertRaises(
            exceptions.HttpException,
            lambda: list(proxy.protection_groups()),
        )

    def test_reason_message_details_request_id(self) -> None:
        error = self._refused(
            fake_cloud.error(
                409, "NotPrimarySite", "ask the other site", site="site-b"
            )
        )
        self.assertIsInstance(error, exceptions.ConflictException)
        self.assertEqual("NotPrimarySite", error.reason)
        self.assertEqual("ask the other site", error.message)
        self.assertEqual({"site": "site-b"}, error.error_details)
        self.assertEqual(
            "ask the other site (NotPrimarySite, req-1234)", str(error)
        )

    def test_an_answer_of_somebody_else(self) -> None:
        error = self._refused(
            fake_cloud.Answer(
                502, b"<html>bad</html>", {"Content-Type": "text/html"}
            )
        )
        self.assertIsNone(error.reason)
        self.assertNotIn("<html>", str(error))


class WaitTest(base.SitesCase):
    """Waiting for operations."""

    def setUp(self) -> None:
        super().setUp()
        self.proxy = self.connect().protector
        self.group = self.site_a.make_group("g")
        self.slept: list[float] = []

    def _begin(self) -> str:
        operation = self.site_a.make_operation("failover", self.group)
        return operation["id"]

    def test_calls_back_until_done(self) -> None:
        seen: list[int] = []
        ended = self.proxy.wait_for_operation(
            self._begin(),
            lambda op: seen.append(op.progress),
            patience=wait.Patience(sleep=self.slept.append),
        )
        self.assertEqual("completed", ended.status)
        self.assertEqual([0, 33, 66, 100], seen)

    def test_honours_retry_after(self) -> None:
        op_id = self._begin()
        shown = self.site_a._shown(self.site_a.operations[0])
        answer = fake_cloud.Answer(
            200,
            {"operation": {**shown, "status": "running"}},
            {"Retry-After": "7"},
        )
        self.site_a.instead.append(("GET", "/operations/", answer))

        def sleep(seconds: float) -> None:
            self.slept.append(seconds)
            self.site_a.instead.clear()

        self.proxy.wait_for_operation(
            op_id, patience=wait.Patience(sleep=sleep)
        )
        self.assertEqual(7, self.slept[0])

    def test_failed_keeps_reason_and_remedy(self) -> None:
        self.site_a.fate = (
            "failed",
            {"reason": "Quota", "message": "none left", "remedy": "raise it"},
        )
        error = self.assertRaises(
            errors.OperationFailed,
            self.proxy.wait_for_operation,
            self._begin(),
        )
        self.assertEqual("Quota", error.reason)
        self.assertIn("Remedy: raise it", str(error))

    def test_deadline(self) -> None:
        self.site_a.fate = ("running", None)
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        error = self.assertRaises(
            errors.WaitTimeout,
            self.proxy.wait_for_operation,
            self._begin(),
            patience=wait.Patience(
                timeout=5, clock=lambda: now[0], sleep=sleep
            ),
        )
        self.assertEqual("running", error.operation.status)
        self.assertAlmostEqual(5, now[0], places=3)

    def test_bears_an_outage_but_not_a_refusal(self) -> None:
        op_id = self._begin()
        gone = fake_cloud.error(503, "EngineUnreachable", "wait")
        self.site_a.instead.append(("GET", "/operations/", gone))
        patience = wait.Patience(
            sleep=lambda seconds: self.site_a.instead.clear()
        )
        self.proxy.wait_for_operation(op_id, patience=patience)
        self.assertRaises(
            exceptions.NotFoundException,
            self.proxy.wait_for_operation,
            "00000000-0000-4000-8000-000000000000",
        )

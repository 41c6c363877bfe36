# SPDX-License-Identifier: Apache-2.0
"""The other commands, two sites, names."""

from __future__ import annotations

import pathlib

import fixtures
import yaml

from protectorclient.tests import fake_cloud, fake_protector
from protectorclient.tests.osc import base


class NamesTest(base.CommandCase):
    """Names or ids everywhere."""

    def test_ambiguous_group_lists_candidates(self) -> None:
        ids = [self.site_a.make_group("twin")["id"] for _ in range(2)]
        result = self.group("show twin")
        self.assertEqual(1, result.code)
        for group_id in ids:
            self.assertIn(group_id, result.err)

    def test_id_works_where_the_name_is_ambiguous(self) -> None:
        ids = [self.site_a.make_group("twin")["id"] for _ in range(2)]
        result = self.group(f"show {ids[1]}", "-f", "json")
        self.assertEqual(ids[1], result.json()["id"])

    def test_unknown_group(self) -> None:
        result = self.group("show nobody")
        self.assertEqual(1, result.code)
        self.assertIn("no protection group named 'nobody'", result.err)

    def test_server_names(self) -> None:
        self.site_a.make_group("g")
        self.site_a.servers = [
            {"id": "s-1", "name": "web"},
            {"id": "s-2", "name": "twin"},
            {"id": "s-3", "name": "twin"},
        ]
        result = self.group("member-add g --instance-id web -f json")
        self.assertEqual("s-1", result.json()["instance_id"])
        result = self.group("member-add g --instance-id twin")
        self.assertEqual(1, result.code)
        self.assertIn("s-2, s-3", result.err)

    def test_member_by_server_name(self) -> None:
        self.site_a.make_group("g")
        self.site_a.make_member("web", 1)
        result = self.group("member-show g web -f json")
        self.assertEqual("web", result.json()["instance_name"])
        self.assertEqual(0, self.group("member-remove g web").code)
        self.assertEqual([], self.site_a.members)

    def test_undo_copies_of_a_member_are_given_up_only_when_told(self) -> None:
        self.site_a.make_group("g")
        for option, query in (
            ("", {}),
            ("--discard-undo", {"discard_undo": "true"}),
        ):
            self.site_a.calls.clear()
            self.site_a.make_member("web", 1)
            result = self.group(f"member-remove g web {option}")
            self.assertEqual(0, result.code, result.err)
            (call,) = self.site_a.asked("DELETE", "")
            self.assertEqual(query, call.query)


class OverviewTest(base.CommandCase):
    """Am I protected?"""

    def test_list(self) -> None:
        group = self.site_a.make_group(
            "g",
            member_count=1,
            conditions=[{"type": "FailoverReady", "status": True}],
            replication={"lag_seconds": 200},
        )
        for day in ("02", "01"):
            drill = self.site_a.make_operation("test_failover", group)
            drill["started_at"] = f"2025-06-{day}T10:00:00Z"
        self.site_a.make_group(
            "h",
            conditions=[{"type": "FailoverReady", "status": False}],
            replication={"lag_seconds": 61},
        )
        self.site_a.make_group(
            "i", conditions=[{"type": "FailoverReady", "status": None}]
        )
        rows = self.group("list", "-f", "json").json()
        self.assertEqual(
            [
                "id",
                "name",
                "status",
                "primary_site",
                "members",
                "lag",
                "failover_ready",
                "last_drill",
            ],
            list(rows[0]),
        )
        self.assertEqual(
            ("Site A", 1, 200, True, "2025-06-01T10:00:00Z"),
            tuple(rows[0].values())[3:],
        )
        self.assertEqual((0, 61, False, None), tuple(rows[1].values())[4:])
        self.assertEqual((None, None, None), tuple(rows[2].values())[5:])
        self.assertIn("| 1 minute  |", self.group("list").out)

    def test_the_number_of_requests_is_that_of_one_group(self) -> None:
        counts = []
        for number in range(30):
            group = self.site_a.make_group(f"g{number}")
            self.site_a.make_operation("test_failover", group)
            if number in (0, 29):
                self.site_a.calls.clear()
                result = self.group("list", "-f", "json")
                self.assertEqual(number + 1, len(result.json()))
                self.assertNotIn(
                    None, [r["last_drill"] for r in result.json()]
                )
                counts.append(len(self._protector_calls()))
        # the groups, the sites, the drills
        self.assertEqual([3, 3], counts)

    def _protector_calls(self) -> list[fake_cloud.Request]:
        return [c for c in self.site_a.calls if c.path.startswith("/dr/")]


class DeleteTest(base.CommandCase):
    """Deleting protection groups."""

    def test_undo_copies_are_given_up_only_when_told(self) -> None:
        self.site_a.make_group("g")
        self.assertEqual(0, self.group("delete g --discard-undo").code)
        call = self.site_a.asked("DELETE", "")[0]
        self.assertEqual({"discard_undo": "true"}, call.query)

    def test_of_several_the_others_are_deleted(self) -> None:
        for name in ("g", "h"):
            self.site_a.make_group(name)
        result = self.group("delete g nobody h")
        self.assertEqual(1, result.code)
        self.assertEqual([], self.site_a.groups)
        self.assertIn("1 of 3 groups were not deleted", result.err)
        self.assertIn("nobody: no protection group", result.err)


class SettingsTest(base.CommandCase):
    """Policy and mappings."""

    def setUp(self) -> None:
        super().setUp()
        self.site_a.make_group("g")

    def test_policy(self) -> None:
        self.site_a.policy["retention"] = {"per_day": 4, "days": 7}
        result = self.group(
            "policy-set g --interval 5 --retention-days 9 --no-prestage",
            "--primary-fa-api-token",
            "t0ken",
            "-f",
            "json",
        )
        self.assertEqual({"per_day": 4, "days": 9}, result.json()["retention"])
        self.assertFalse(result.json()["prestage"])
        self.assertNotIn("t0ken", result.out + result.err)
        self.assertEqual("t0ken", self.site_a.policy["primary_fa_api_token"])

    def test_retention_of_a_group_without_a_policy(self) -> None:
        absent = fake_cloud.error(404, "NotFound", "the defaults hold")
        self.site_a.instead.append(("GET", "/policy", absent))
        result = self.group("policy-show g")
        self.assertEqual(1, result.code)
        self.assertIn("the defaults hold", result.err)
        self.assertIn("policy-set", result.err)
        self.site_a.instead.clear()
        self.assertEqual(0, self.group("policy-set g --retention-days 9").code)
        sent = self.site_a.asked("PUT", "/policy")[0].body["policy"]
        self.assertEqual({"retention": {"days": 9}}, sent)

    def test_mappings_are_added_to_those_there_are(self) -> None:
        self.site_a.mappings = {
            "networks": [{"primary": "a", "secondary": "b", "subnets": []}],
            "flavors": [{"primary": "m1", "secondary": "m2"}],
        }
        result = self.group(
            "mapping-set g --network a=c --network d=e --test-network a=t"
        )
        self.assertEqual(0, result.code, result.err)
        self.assertEqual(
            {
                "networks": [
                    {
                        "primary": "a",
                        "secondary": "c",
                        "secondary_test": "t",
                        "subnets": [],
                    },
                    {"primary": "d", "secondary": "e"},
                ],
                "flavors": [{"primary": "m1", "secondary": "m2"}],
            },
            self.site_a.mappings,
        )

    def test_mappings_from_what_show_printed(self) -> None:
        self.site_a.mappings = {"flavors": [{"primary": "x", "secondary": 1}]}
        printed = self.group("mapping-show g -f yaml").out
        path = pathlib.Path(self.home) / "m.yaml"
        path.write_text(printed)
        self.site_a.mappings = {"networks": [{"primary": "gone"}]}
        result = self.group("mapping-set g --replace --file", str(path))
        self.assertEqual(0, result.code, result.err)
        self.assertEqual(
            {"flavors": [{"primary": "x", "secondary": 1}]},
            self.site_a.mappings,
        )

    def test_proposal(self) -> None:
        self.site_a.mappings = {"networks": [{"primary": "p"}]}
        self.assertEqual(0, self.group("mapping-propose g").code)
        self.assertEqual([], self.site_a.asked("PUT", "/mappings"))
        self.assertEqual(0, self.group("mapping-propose g --apply").code)
        self.assertEqual(1, len(self.site_a.asked("PUT", "/mappings")))

    def test_nonsense_is_usage(self) -> None:
        self.assertEqual(2, self.group("mapping-set g --network ab").code)
        self.assertEqual(2, self.group("policy-set g").code)


class TwoSitesTest(base.CommandCase):
    """With a second cloud."""

    def setUp(self) -> None:
        super().setUp()
        group = self.site_a.make_group("g")
        self.site_b.groups = [{**group, "status": "failed_over"}]

    def _two(self, *words: str) -> base.Result:
        return self.openstack(
            "--secondary-cloud", "site-b", "protector", *words
        )

    def test_show_shows_both(self) -> None:
        result = self._two("protection-group", "show", "g", "-f", "json")
        self.assertEqual("active", result.json()["status"])
        self.assertEqual("failed_over", result.json()["at site-b"]["status"])

    def test_falls_back_and_says_so(self) -> None:
        self.site_a.stop()
        result = self._two("protection-group", "show", "g", "-f", "json")
        self.assertEqual(0, result.code, result.err)
        self.assertEqual("failed_over", result.json()["status"])
        self.assertIn("site-a: the site does not answer", result.err)
        result = self._two("protection-group", "list", "-f", "json")
        self.assertEqual("g", result.json()[0]["name"])
        self.assertIn("asking site-b", result.err)

    def test_sync_status_of_both(self) -> None:
        for site in (self.site_a, self.site_b):
            site.sync = {
                "in_sync": False,
                "local": {"version": 1},
                "remote": {"status": "failed"},
            }
        result = self._two("protection-group", "sync-status", "g")
        self.assertEqual(2, result.out.count("OUT OF SYNC"))
        self.assertIn("Last Sync: never", result.out)
        result = self._two(
            "protection-group", "sync-status", "g", "-f", "json"
        )
        self.assertEqual(["site-a", "site-b"], list(result.json()))

    def test_health_of_both(self) -> None:
        for words, field in (
            (("protection-group", "health", "g"), "failover_ready"),
            (("health", "show"), "ok"),
            (("site", "show", "Site A"), "id"),
        ):
            found = self._two(*words, "-f", "json").json()
            self.assertEqual(["site-a", "site-b"], list(found))
            for said in found.values():
                self.assertTrue(said[field])
            lines = self._two(*words).out
            for cloud in found:
                self.assertIn(f"| {cloud} {field} ", lines)

    def test_health_tells_what_was_reached(self) -> None:
        told = self.group("health g").out
        for line in (
            "✗ 2025-06-01T10:00:00Z after 2 hours",
            "✗ 2025-06-01: 0 points ",
            "✗ 2025-05-31: 9 points, at worst 2 hours, 2 above the RPO",
        ):
            self.assertIn(line, told)

    def test_a_point_tells_the_age_that_it_ended(self) -> None:
        self.assertIn("| 2 hours ✗ |", self.group("recovery-point-list g").out)

    def test_operations_of_both(self) -> None:
        """The mirror adds nothing, what only one site knows is there."""
        group = self.site_a.groups[0]
        mirrored = self.site_a.make_operation("failover", group)
        self.site_b.operations = [{**mirrored, "progress": 7}]
        own = self.site_b.make_operation("failback", self.site_b.groups[0])
        rows = self._two("operation", "list", "-f", "json").json()
        self.assertEqual(
            {mirrored["id"], own["id"]}, {row["id"] for row in rows}
        )
        self.assertEqual(2, len(rows))
        shown = self._two(
            "operation", "show", mirrored["id"], "-f", "json"
        ).json()
        self.assertEqual("running", shown["at site-b"]["status"])
        self.site_a.stop()
        result = self._two("operation", "show", own["id"], "-f", "json")
        self.assertEqual(0, result.code, result.err)
        self.assertIn("site-a: the site does not answer", result.err)

    def test_the_second_cloud_of_the_environment(self) -> None:
        self.useFixture(
            fixtures.EnvironmentVariable("OS_SECONDARY_CLOUD", "site-b")
        )
        result = self.group("show g -f json")
        self.assertIn("at site-b", result.json())

    def test_failover_says_how_at_the_other_site(self) -> None:
        self.site_a.stop()
        for result in (
            self._two("protection-group", "failover", "g"),
            self.group("failover g"),
        ):
            self.assertEqual(1, result.code)
            self.assertIn(
                "protector protection-group failover g --type unplanned",
                result.err,
            )

    def test_watch_goes_on_at_the_other_site(self) -> None:
        operation = self.site_b.make_operation("failover", {"id": "x"})
        self.site_a.operations = [dict(operation)]
        self.site_a.stop()
        result = self._two("operation", "watch", operation["id"])
        self.assertEqual(0, result.code, result.err)
        self.assertIn("settle: done", result.err)


class PairTest(base.CommandCase):
    """site pair."""

    def test_both_ways_with_different_accounts(self) -> None:
        result = self.protector(
            "site pair --peer-cloud site-b",
            *("--service-username", "svc", "--service-password", "pa"),
            *("--peer-service-password", "pb", "-f", "json"),
        )
        self.assertEqual(0, result.code, result.err)
        known = {"username": "svc", "project_name": "service"}
        at_a, at_b = self.site_a.registered[0], self.site_b.registered[0]
        for sent in (at_a, at_b):
            self.assertEqual(known, {key: sent[key] for key in known})
        self.assertEqual(("pb", "pa"), (at_a["password"], at_b["password"]))
        self.assertEqual(f"{self.site_b.url}/identity/v3", at_a["auth_url"])
        self.assertEqual(
            ["Site B", "Site A"], [row["site"] for row in result.json()]
        )

    def test_accounts_of_clouds_yaml_and_failed_check(self) -> None:
        self.write_clouds(
            protector_service_username="svc",
            protector_service_password="pw",
        )
        self.site_b.checks = [fake_protector.check("array", "failed", "mend")]
        result = self.protector("site pair --peer-cloud site-b")
        self.assertEqual(1, result.code)
        self.assertIn("array", result.out)
        self.assertEqual("pw", self.site_a.registered[0]["password"])

    def test_never_the_admins_own_account(self) -> None:
        result = self.protector("site pair --peer-cloud site-b")
        self.assertEqual(2, result.code)
        self.assertEqual([], self.site_a.registered)
        self.assertIn("no service account", result.err)


class SitesTest(base.CommandCase):
    """Sites, and pins of the API version."""

    def test_list_show_types_validate(self) -> None:
        self.assertIn("Site B", self.protector("site list").out)
        shown = self.protector("site show", "Site B", "-f", "json").json()
        self.assertEqual(fake_protector.SITE_B, shown["id"])
        types = self.protector("site volume-type-list", "Site A").out
        self.assertIn("replicated-ssd", types)
        self.assertEqual(0, self.protector("site validate", "Site B").code)

    def test_validate_tells_what_to_do_and_fails(self) -> None:
        self.site_a.checks = [
            fake_protector.check("nova", "warning", "Start nova-compute."),
            fake_protector.check("array_link", "failed", "Connect them."),
        ]
        result = self.protector("site validate", "Site B", "-f", "json")
        self.assertEqual(1, result.code)
        self.assertEqual(
            [
                ("nova", "warning", "Start nova-compute."),
                ("array_link", "failed", "Connect them."),
            ],
            [(r["check"], r["status"], r["fix"]) for r in result.json()],
        )
        self.site_a.checks.pop()
        self.assertEqual(0, self.protector("site validate", "Site B").code)

    def test_a_declaration_is_taken_back(self) -> None:
        result = self.protector("site set", "Site A", "--not-lost")
        self.assertEqual(0, result.code, result.err)
        call = self.site_a.asked(
            "PUT", f"/admin/sites/{fake_protector.SITE_A}"
        )[0]
        self.assertEqual({"site": {"lost": False}}, call.body)

    def test_declare_lost_lists_what_it_concerns(self) -> None:
        self.site_a.make_group("g")
        result = self.protector("site declare-lost", "Site A", "--dry-run")
        self.assertIn("runs there, to be failed over first", result.err)
        self.assertEqual([], self.site_a.asked("POST", "/action"))
        result = self.protector("site declare-lost", "Site A")
        self.assertEqual(0, result.code)
        call = self.site_a.asked("POST", "/action")[0]
        self.assertEqual({"declare_lost": {}}, call.body)

    def test_pinned_microversion(self) -> None:
        result = self.openstack(
            "--os-protector-api-version", "1.1", "protector", "site", "list"
        )
        self.assertEqual(0, result.code, result.err)
        call = self.site_a.asked("GET", "/sites")[0]
        self.assertEqual(
            "protector 1.1", call.headers["openstack-api-version"]
        )

    def test_a_server_that_is_too_old_for_the_pin(self) -> None:
        refusal = fake_cloud.error(406, "NotAcceptable", "1.0 to 1.1 served")
        self.site_a.instead.append(("GET", "/sites", refusal))
        result = self.protector("site list")
        self.assertEqual((1, ""), (result.code, result.out))
        self.assertIn("1.0 to 1.1 served", result.err)
        self.assertIn("--os-protector-api-version <version>", result.err)

    def test_yaml_output_is_structured(self) -> None:
        group = self.site_a.make_group("g")
        shown = yaml.safe_load(self.group("show g -f yaml").out)
        self.assertEqual(group["refused_actions"], shown["refused_actions"])

# SPDX-License-Identifier: Apache-2.0
"""Nova: what is sent at which microversion, and what old ones answer."""

from typing import Any

from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer
MINIMAL = {"id": "s", "status": "UNKNOWN", "tenant_id": "t", "created": ""}
FLAVOR = {
    "id": "f",
    "name": "small",
    "vcpus": 1,
    "ram": 512,
    "disk": 0,
    "swap": "",
    "OS-FLV-EXT-DATA:ephemeral": 0,
}


class ComputeTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())

    def compute(self, maximum: str = "2.100") -> Any:
        self.cloud.maximum["compute"] = maximum
        return fake_cloud.clients(self.cloud).project("tenant").compute

    def _version(self, call: fake_cloud.Call) -> str:
        return str(call.headers["OpenStack-API-Version"])

    def test_whole_servers_at_the_highest_version_understood(self) -> None:
        for maximum, sent in (("2.104", "2.100"), ("2.79", "2.79")):
            self.cloud.calls.clear()
            self.cloud.on(
                "GET", "/servers/s$", Answer(200, {"server": MINIMAL})
            )
            self.compute(maximum).get_server("s")
            self.assertEqual(
                f"compute {sent}", self._version(self.cloud.calls[0])
            )

    def test_the_library_stays_within_its_own(self) -> None:
        self.cloud.on("POST", "/action$", Answer(202))
        for maximum, sent in (("2.104", "2.96"), ("2.79", "2.79")):
            self.cloud.calls.clear()
            self.compute(maximum).stop("s")
            call = self.cloud.calls[0]
            self.assertEqual(f"compute {sent}", self._version(call))
            self.assertEqual({"os-stop": None}, call.json)

    def test_a_server_of_a_cell_that_is_down(self) -> None:
        self.cloud.on("GET", "/servers/s$", Answer(200, {"server": MINIMAL}))
        found = self.compute().get_server("s")
        self.assertEqual("UNKNOWN", found.status)
        self.assertEqual(
            ((), {}, ""), (found.volume_ids, found.metadata, found.name)
        )

    def test_lists_are_read_page_by_page(self) -> None:
        def page(*ids: str, more: bool) -> Answer:
            links = [{"rel": "next", "href": "http://192.0.2.1/hidden"}]
            return Answer(
                200,
                {
                    "servers": [{**MINIMAL, "id": i} for i in ids],
                    "servers_links": links if more else [],
                },
            )

        self.cloud.on(
            "GET",
            "/servers/detail$",
            page("a", "b", more=True),
            page("c", more=False),
        )
        found = self.compute().list_servers(all_projects=True)
        self.assertEqual(["a", "b", "c"], [s.id for s in found])
        self.assertEqual(["b"], self.cloud.calls[1].query["marker"])
        self.assertEqual(["1"], self.cloud.calls[1].query["all_tenants"])

    def test_one_id_is_read_by_itself(self) -> None:
        self.cloud.on("GET", "/servers/s$", Answer(200, {"server": MINIMAL}))
        self.assertEqual(1, len(self.compute().list_servers(ids=["s"])))
        self.assertEqual(["GET /compute/v2.1/servers/s"], self.cloud.sent())

    def test_hints_beside_the_server(self) -> None:
        self.cloud.on(
            "POST", "/servers$", Answer(202, {"server": {"id": "s"}})
        )
        made = self.compute().create_server({"name": "n"}, {"group": "g"})
        self.assertEqual("s", made)
        self.assertEqual(
            {"server": {"name": "n"}, "os:scheduler_hints": {"group": "g"}},
            self.cloud.calls[0].json,
        )

    def test_a_lock_reason_only_where_nova_keeps_it(self) -> None:
        self.cloud.on("POST", "/action$", Answer(202))
        self.compute("2.72").lock("s", "why")
        self.compute("2.73").lock("s", "why")
        self.assertEqual(
            [{"lock": None}, {"lock": {"locked_reason": "why"}}],
            [call.json for call in self.cloud.calls],
        )

    def test_extra_specs_of_an_old_nova(self) -> None:
        self.cloud.on("GET", "/flavors/f$", Answer(200, {"flavor": FLAVOR}))
        specs = {"extra_specs": {"hw:mem": "large"}}
        self.cloud.on("GET", "/flavors/f/os-extra_specs$", Answer(200, specs))
        found = self.compute("2.60").flavor("f")
        self.assertEqual({"hw:mem": "large"}, found.extra_specs)
        self.assertEqual(0, found.swap)

    def test_actions_come_newest_first(self) -> None:
        rows = [
            {"action": a, "request_id": "r", "start_time": t}
            for a, t in (("stop", "2026-01-01"), ("start", "2026-01-02"))
        ]
        self.cloud.on(
            "GET",
            "/os-instance-actions$",
            Answer(200, {"instanceActions": rows}),
        )
        found = self.compute().instance_actions("s")
        self.assertEqual(["start", "stop"], [a.action for a in found])

    def test_a_policy_in_the_form_of_the_version(self) -> None:
        answer = Answer(200, {"server_group": {"id": "g"}})
        self.cloud.on("POST", "/os-server-groups$", answer)
        self.compute("2.63").create_server_group("g", "affinity")
        self.compute("2.64").create_server_group("g", "affinity")
        old, new = (call.json["server_group"] for call in self.cloud.calls)
        self.assertEqual(["affinity"], old["policies"])
        self.assertEqual("affinity", new["policy"])

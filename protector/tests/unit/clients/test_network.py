# SPDX-License-Identifier: Apache-2.0
"""Neutron: paths, pages and whose objects are asked for."""

from typing import Any

from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer


class NetworkTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        clients = fake_cloud.clients(self.cloud)
        self.network = clients.project("tenant").network

    def _query(self, call: Any, **filters: Any) -> dict[str, list[str]]:
        self.cloud.calls.clear()
        call(**filters)
        return self.cloud.calls[0].query

    def test_lists_ask_for_the_project(self) -> None:
        self.cloud.on("GET", "/ports$", Answer(200, {"ports": []}))
        groups = Answer(200, {"security_groups": []})
        self.cloud.on("GET", "/security-groups$", groups)
        self.cloud.on("GET", "/floatingips$", Answer(200, {"floatingips": []}))
        own = {"project_id": ["tenant"]}
        net = self.network
        self.assertEqual(own, self._query(net.ports))
        self.assertEqual(own, self._query(net.security_groups))
        self.assertEqual(own, self._query(net.floating_ips))
        self.assertEqual(
            {"device_id": ["a", "b"]},
            self._query(net.ports, device_id=["a", "b"]),
        )
        self.assertEqual(
            {"port_id": ["p"]}, self._query(net.floating_ips, port_id="p")
        )
        self.assertEqual(
            {"project_id": ["other"], "name": ["n"]},
            self._query(net.ports, project_id="other", name="n"),
        )

    def test_lists_are_read_page_by_page(self) -> None:
        links = [{"rel": "next", "href": "http://192.0.2.1/hidden"}]
        self.cloud.on(
            "GET",
            "/subnets$",
            Answer(200, {"subnets": [{"id": "a"}], "subnets_links": links}),
            Answer(200, {"subnets": [{"id": "b"}]}),
        )
        self.assertEqual(["a", "b"], [s["id"] for s in self.network.subnets()])
        self.assertEqual(["a"], self.cloud.calls[1].query["marker"])

    def test_the_catalogue_may_name_the_version(self) -> None:
        self.cloud.on("GET", "/subnets$", Answer(200, {"subnets": []}))
        self.network.subnets()
        self.cloud.calls.clear()
        token = self.cloud._token("other")
        for service in token["token"]["catalog"]:
            if service["type"] == "network":
                service["endpoints"][0]["url"] += "/v2.0/"
        self.cloud.on(
            "POST",
            fake_cloud.TOKENS,
            Answer(201, token, {"X-Subject-Token": "t"}),
        )
        other = fake_cloud.clients(self.cloud).project("other").network
        other.subnets()
        self.assertEqual(["GET /network/v2.0/subnets"], self.cloud.sent())

    def test_quotas_that_are_not_told(self) -> None:
        missing = Answer(404, {"NeutronError": {"message": "No."}})
        self.cloud.on("GET", "/quotas/tenant/details.json$", missing)
        self.assertEqual([], self.network.quotas())

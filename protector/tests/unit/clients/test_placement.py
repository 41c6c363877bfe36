# SPDX-License-Identifier: Apache-2.0
"""Placement: who has room, at a real emulated cloud."""

from protector import exception
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer
SUMMARY = {
    "host-1": {
        "resources": {
            "VCPU": {"capacity": 16, "used": 3},
            "MEMORY_MB": {"capacity": 1024, "used": 1024},
        }
    }
}


class PlacementTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        self.placement = fake_cloud.clients(self.cloud).service.placement

    def test_what_is_free_at_each_host(self) -> None:
        body = {"allocation_requests": [], "provider_summaries": SUMMARY}
        self.cloud.on("GET", "/allocation_candidates$", Answer(200, body))
        self.assertEqual(
            {"host-1": {"VCPU": 13, "MEMORY_MB": 0}},
            self.placement.candidates({"VCPU": 2, "MEMORY_MB": 512}),
        )
        self.assertEqual(
            {"resources": ["MEMORY_MB:512,VCPU:2"]},
            self.cloud.calls[-1].query,
        )

    def test_who_may_not_ask(self) -> None:
        body = {"errors": [{"status": 403, "detail": "Access was denied."}]}
        self.cloud.on("GET", "/allocation_candidates$", Answer(403, body))
        error = self.assertRaises(
            exception.CloudForbidden, self.placement.candidates, {"VCPU": 1}
        )
        self.assertIn("Placement at site", error.message)

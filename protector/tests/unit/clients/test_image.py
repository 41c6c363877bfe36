# SPDX-License-Identifier: Apache-2.0
"""Glance: pages."""

from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer


class ImageTest(base.TestCase):
    def test_lists_are_read_page_by_page(self) -> None:
        cloud = self.useFixture(fake_cloud.FakeCloud())
        more = {"images": [{"id": "a"}], "next": "/v2/images?marker=x"}
        cloud.on(
            "GET",
            "/v2/images$",
            Answer(200, more),
            Answer(200, {"images": [{"id": "b"}]}),
        )
        image = fake_cloud.clients(cloud).project("tenant").image
        found = image.list(name="n")
        self.assertEqual(["a", "b"], [i["id"] for i in found])
        self.assertEqual(
            {"name": ["n"], "marker": ["a"]}, cloud.calls[1].query
        )

# SPDX-License-Identifier: Apache-2.0
"""Cinder: lists over pages, and fields that an old one lacks."""

from protector import exception
from protector.clients import volume
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer


def _row(number: int) -> dict[str, object]:
    return {"id": f"v{number}", "status": "available", "size": 1}


class VolumeTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        clients = fake_cloud.clients(self.cloud)
        self.volume = clients.project("tenant").volume

    def test_lists_are_read_page_by_page(self) -> None:
        first = [_row(n) for n in range(volume.PAGE)]
        links = [{"rel": "next", "href": "http://192.0.2.1/hidden"}]
        self.cloud.on(
            "GET",
            "/volumes/detail$",
            Answer(200, {"volumes": first, "volumes_links": links}),
            Answer(200, {"volumes": [_row(volume.PAGE)]}),
        )
        self.assertEqual(volume.PAGE + 1, len(self.volume.list()))
        queries = [call.query for call in self.cloud.calls]
        self.assertNotIn("marker", queries[0])
        self.assertEqual([f"v{volume.PAGE - 1}"], queries[1]["marker"])

    def test_a_group_that_goes_meanwhile_does_not_end_a_list(self) -> None:
        gone = {"itemNotFound": {"code": 404, "message": "Group g"}}
        self.cloud.on(
            "GET",
            "/volumes/detail$",
            Answer(404, gone),
            Answer(200, {"volumes": [_row(1)]}),
        )
        self.assertEqual(["v1"], [v.id for v in self.volume.list()])

    def test_a_list_that_is_never_found_is_an_error(self) -> None:
        self.cloud.on("GET", "/volumes/detail$", Answer(404, {}))
        self.assertRaises(exception.CloudNotFound, self.volume.list)

    def test_fields_that_only_admins_see_may_be_missing(self) -> None:
        self.cloud.on("GET", "/volumes/v1$", Answer(200, {"volume": _row(1)}))
        found = self.volume.get("v1")
        self.assertIsNone(found.host)
        self.assertIsNone(found.provider_id)
        self.assertFalse(found.bootable)
        self.assertEqual(({}, {}), (found.metadata, found.image_metadata))

    def test_a_legacy_consistency_group_counts_as_a_group(self) -> None:
        row = {**_row(1), "consistencygroup_id": "cg"}
        self.cloud.on("GET", "/volumes/v1$", Answer(200, {"volume": row}))
        self.assertEqual("cg", self.volume.get("v1").group_id)

    def test_the_version_is_the_lower_of_both(self) -> None:
        self.cloud.maximum["volume"] = "3.80"
        self.cloud.on("GET", "/volumes/v1$", Answer(200, {"volume": _row(1)}))
        self.volume.get("v1")
        headers = self.cloud.calls[0].headers
        self.assertEqual("volume 3.71", headers["OpenStack-API-Version"])
        self.assertTrue(
            self.cloud.calls[0].path.startswith("/volume/v3/tenant/")
        )

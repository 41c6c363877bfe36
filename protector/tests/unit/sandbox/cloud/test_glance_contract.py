# SPDX-License-Identifier: Apache-2.0
"""What Glance does, real or emulated."""

import hashlib
import secrets
import typing

from protector.tests.unit.sandbox.cloud import contract

DATA = b"not a guest\n" * 10000


class GlanceContractTest(contract.ContractTestCase):
    def image(self, **given: typing.Any) -> typing.Any:
        made = self.tenant.image.create_image(
            f"contract-{secrets.token_hex(4)}",
            container_format="bare",
            disk_format="raw",
            **given,
        )
        self.addCleanup(self.tenant.image.delete_image, made.id)
        return made

    def test_upload_and_download(self) -> None:
        image = self.image(data=DATA)
        found = self.tenant.image.get_image(image.id)
        self.assertEqual("active", found.status)
        self.assertEqual(len(DATA), found.size)
        self.assertEqual("sha512", found.hash_algo)
        self.assertEqual(hashlib.sha512(DATA).hexdigest(), found.hash_value)
        self.assertEqual(self.tenant.current_project_id, found.owner_id)
        answer = self.tenant.image.download_image(found)
        self.assertEqual(DATA, answer.content)

    def test_bytes_are_taken_once(self) -> None:
        image = self.image()
        self.assertEqual("queued", image.status)
        url = f"/images/{image.id}/file"
        octets = {"Content-Type": "application/octet-stream"}
        put = self.tenant.image.put
        wrong = put(url, data=b"x", headers={"Content-Type": "text/plain"})
        self.assertEqual(415, wrong.status_code)
        chunks = iter([b"a" * 70000, b"b"])
        self.assertEqual(
            204, put(url, data=chunks, headers=octets).status_code
        )
        self.assertEqual(70001, self.tenant.image.get_image(image.id).size)
        self.assertEqual(
            409, put(url, data=b"again", headers=octets).status_code
        )

    def test_properties(self) -> None:
        image = self.image(hw_disk_bus="scsi")
        self.assertEqual("scsi", image.hw_disk_bus)
        self.tenant.image.update_image(image, name="renamed", os_distro="none")
        found = self.tenant.image.get_image(image.id)
        self.assertEqual(("renamed", "none"), (found.name, found.os_distro))
        answer = self.tenant.image.patch(
            f"/images/{image.id}",
            json=[{"op": "replace", "path": "/status", "value": "active"}],
            headers={
                "Content-Type": "application/openstack-images-v2.1-json-patch"
            },
        )
        self.assertEqual(403, answer.status_code)

    def test_one_tenant_is_blind_to_another(self) -> None:
        image = self.image()
        self.refused(404, self.stranger.image.get_image, image.id)
        ids = {row.id for row in self.stranger.image.images()}
        self.assertNotIn(image.id, ids)

    def test_only_an_admin_publishes(self) -> None:
        image = self.image()
        update = self.tenant.image.update_image
        self.refused(403, update, image, visibility="public")
        self.admin.image.update_image(image.id, visibility="public")
        found = self.stranger.image.get_image(image.id)
        self.assertEqual("public", found.visibility)
        self.refused(
            403,
            self.stranger.image.delete_image,
            image.id,
            ignore_missing=False,
        )

    def test_a_protected_image_stays(self) -> None:
        image = self.image()
        self.tenant.image.update_image(image, is_protected=True)
        delete = self.tenant.image.delete_image
        self.refused(403, delete, image.id, ignore_missing=False)
        self.tenant.image.update_image(image, is_protected=False)

    def test_pages_and_filters(self) -> None:
        made = {self.image().id for _ in range(3)}
        found = {
            row.id
            for row in self.tenant.image.images(
                limit=1, owner=self.tenant.current_project_id
            )
        }
        self.assertEqual(made, found)
        name = self.tenant.image.get_image(min(made)).name
        (one,) = self.tenant.image.images(name=name)
        self.assertEqual(min(made), one.id)

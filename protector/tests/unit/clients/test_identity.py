# SPDX-License-Identifier: Apache-2.0
"""Keystone: at the address that tokens come from, whatever was given."""

from protector import exception
from protector.clients import clouds
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer


class IdentityTest(base.TestCase):
    def test_the_address_may_lack_the_version(self) -> None:
        cloud = self.useFixture(fake_cloud.FakeCloud())
        cloud.on("GET", "/v3/projects/p$", Answer(200, {"project": {"id": 1}}))
        for tail in ("/identity", "/identity/", "/identity/v3/"):
            access = fake_cloud.access(cloud.url, auth_url=cloud.url + tail)
            made = clouds.Clouds(fake_cloud.options(), fake_cloud.QuickClock())
            made.site(access).identity.project("p")
        self.assertEqual(["GET /identity/v3/projects/p"] * 3, cloud.sent())

    def test_who_we_are(self) -> None:
        cloud = self.useFixture(fake_cloud.FakeCloud())
        identity = fake_cloud.clients(cloud).identity
        self.assertEqual("me", identity.user_id)
        self.assertEqual("own-project", identity.project_id)
        self.assertEqual(
            {"user_id": "me", "project_id": "own-project", "roles": ["admin"]},
            identity.check(),
        )
        self.assertEqual(f"{cloud.url}/network", identity.endpoint("network"))
        self.assertIsNone(identity.endpoint("key-manager"))

    def test_a_token_that_is_held_is_no_sign_in(self) -> None:
        cloud = self.useFixture(fake_cloud.FakeCloud())
        identity = fake_cloud.clients(cloud).identity
        identity.check()
        self.assertEqual("me", identity.sign_in()["user_id"])
        cloud.on("POST", "/v3/auth/tokens", Answer(401, {"error": {}}))
        identity.check()
        self.assertRaises(exception.CloudForbidden, identity.sign_in)

# SPDX-License-Identifier: Apache-2.0
"""The files that describe a sandbox say what they must."""

import pathlib
import stat

import fixtures
import yaml

from protector.sandbox import access, layout
from protector.tests import base


class FilesTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = layout.Layout(root, "127.0.201")

    def test_clouds(self) -> None:
        access.write_clouds(self.layout)
        file = self.layout.clouds_yaml
        clouds = yaml.safe_load(file.read_text())["clouds"]
        self.assertEqual(
            {"site-a", "site-b", "site-a-admin", "site-b-admin"}, set(clouds)
        )
        self.assertEqual("demo", clouds["site-b"]["auth"]["project_name"])
        self.assertEqual("admin", clouds["site-b-admin"]["auth"]["username"])
        self.assertEqual("site-b", clouds["site-b"]["region_name"])
        self.assertEqual(0o600, stat.S_IMODE(file.stat().st_mode))

    def test_a_connection_is_that_of_the_file(self) -> None:
        """Whatever cloud the user's environment names."""
        self.useFixture(fixtures.EnvironmentVariable("OS_CLOUD", "prod"))
        self.useFixture(fixtures.EnvironmentVariable("OS_USERNAME", "me"))
        access.write_clouds(self.layout)
        with access.connect(self.layout, "site-a") as cloud:
            auth = cloud.config.get_auth_args()
            self.assertEqual("demo", auth["username"])
            self.assertEqual(self.layout.sites[0].auth_url, auth["auth_url"])

    def test_the_description(self) -> None:
        self.assertEqual({}, access.read_description(self.layout))
        access.write_description(
            self.layout, {"site-a": 12, "site-b": None}, {"servers": []}
        )
        found = access.read_description(self.layout)
        self.assertEqual({"site-a": 12, "site-b": None}, found["processes"])
        self.assertEqual([], found["servers"])
        self.assertEqual(
            "http://127.0.201.2:5000/control",
            found["sites"]["site-b"]["control"],
        )
        self.assertEqual(
            "127.0.201.1:8443", found["arrays"]["array-a"]["address"]
        )

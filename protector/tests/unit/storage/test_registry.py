# SPDX-License-Identifier: Apache-2.0
"""What looks shares one driver; what changes has its own."""

from protector import exception, service
from protector.storage import registry
from protector.tests import base


def forbid() -> None:
    raise exception.ProtectorError("no")


class DriversTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf = service.load_conf([], default_config_files=[])
        self.storage = registry.Storage(conf)

    def test_those_that_look_stay_logged_in(self) -> None:
        self.assertIs(self.storage.reader(forbid), self.storage.reader(forbid))

    def test_an_operation_has_its_own(self) -> None:
        mine = self.storage.driver(lambda: None)
        self.assertIsNot(mine, self.storage.driver(lambda: None))
        self.assertIsNot(mine, self.storage.reader(forbid))

# SPDX-License-Identifier: Apache-2.0
"""A site is validated while its neighbours are well, hang, refuse and talk
nonsense: each is the failure of its own checks.

Against a sandbox, through API and engine of the other site.
"""

import time
from typing import Any

import requests

from protector.sandbox import access, connect
from protector.tests import base
from protector.tests.fixtures import sandbox_sites

# [engine] validate_timeout
SECONDS = 15
HANG = 60
# neighbour, what it does, and the checks that must tell
CLOUD = (
    ("^compute GET .*/os-services", {"hang": HANG}, {"nova"}),
    ("^volume GET .*/types", {"status": 503}, {"volume_types"}),
    ("^network ", {"status": 200, "body": {"what": []}}, {"neutron"}),
    ("^identity POST .*/auth/tokens", {"drop": True}, {"keystone"}),
)


class SiteValidateTest(base.TestCase):
    DEFAULT_TIMEOUT = 300
    TIMEOUT_SCALING_FACTOR = 2

    def setUp(self) -> None:
        super().setUp()
        self.sandbox = self.useFixture(sandbox_sites.SandboxSites())
        self.a, self.b = self.sandbox.layout.sites
        admin = access.connect(self.sandbox.layout, "site-a-admin")
        self.addCleanup(admin.close)
        self.admin = admin.protector
        self.peer_id = next(
            s.id for s in self.admin.sites() if s.name == self.b.name
        )

    def failed(self) -> dict[str, Any]:
        """What failed, by name."""
        begun = time.monotonic()
        checks = self.admin.validate_site(self.peer_id)
        # answered within the bound, with room for a machine that is busy
        self.assertLess(time.monotonic() - begun, 2 * SECONDS)
        for check in checks:
            self.assertEqual(check["ok"], check["fix"] is None, check)
        return {c["name"]: c["message"] for c in checks if not c["ok"]}

    def fault(self, **values: Any) -> None:
        answer = requests.post(
            f"{self.b.cloud_url}/control/faults",
            json=values,
            timeout=connect.TIMEOUT,
        )
        answer.raise_for_status()

    def status(self) -> str:
        return str(self.admin.get_site(self.peer_id).status)

    def test_neighbours_one_by_one_and_together(self) -> None:
        self.assertEqual({}, self.failed())
        for match, what, names in CLOUD:
            self.fault(match=match, **what)
            self.assertEqual(names, set(self.failed()), match)
            self.assertEqual("error", self.status())
            requests.delete(
                f"{self.b.cloud_url}/control/faults", timeout=connect.TIMEOUT
            ).raise_for_status()
        for match, what, _ in CLOUD:
            self.fault(match=match, **what)
        hang = {"match": "GET .*/array", "hang": HANG}
        self._arrays([hang])
        together = {name for _, _, names in CLOUD for name in names}
        self.assertEqual(
            together | {"array", "array_link"}, set(self.failed())
        )
        requests.delete(
            f"{self.b.cloud_url}/control/faults", timeout=connect.TIMEOUT
        ).raise_for_status()
        self._arrays([])
        self.assertEqual({}, self.failed())
        self.assertEqual("active", self.status())

    def _arrays(self, faults: list[dict[str, Any]]) -> None:
        requests.put(
            f"{self.b.array_url}/control/faults",
            json=faults,
            timeout=connect.TIMEOUT,
            verify=str(self.b.array_ca),
        ).raise_for_status()

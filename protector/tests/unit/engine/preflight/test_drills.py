# SPDX-License-Identifier: Apache-2.0
"""What may stop a drill: it needs everything anew, and nothing of the
source."""

from protector.clients import types
from protector.engine import preflight
from protector.engine.finding import Code
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case

BACKEND = {"volume_backend_name": "pure"}
NETWORK = {"primary": "net", "secondary": "net", "secondary_test": "n2"}


class DrillTest(preflight_case.PreflightCase):
    def setUp(self) -> None:
        super().setUp()
        # what stands at the target is not the drill's to use
        for member in self.members:
            copy = fake_scene.copy(preflight_case.THERE, "parked")
            copy.ports = [{"id": "p"}]
            member.copies.append(copy)
        self.start(mappings={"networks": [NETWORK]})
        self.target.network.known_networks.append({"id": "n2", "name": "t"})
        for site_id in (preflight_case.HERE, preflight_case.THERE):
            self.ctx.scene.side(site_id).volume_type_id = "gold"
        self.known = [
            types.VolumeType(
                "gold", "gold", BACKEND | {"replication_enabled": "<is> True"}
            ),
            types.VolumeType("silver", "silver", BACKEND),
        ]
        self.target.volume.types = lambda: self.known

    def codes(self) -> list[str]:
        found = self.findings(False, preflight.TEST_FAILOVER)
        self.assertEqual(found, preflight.errors(found))
        return [str(f.code) for f in found]

    def test_nothing_stops_it(self) -> None:
        self.assertEqual([], self.codes())

    def test_nothing_is_asked_of_the_source(self) -> None:
        del self.ctx.projects[preflight_case.HERE]
        self.assertEqual([], self.codes())

    def test_a_network_of_the_same_name_is_not_enough(self) -> None:
        self.ctx.scene.mappings["networks"] = []
        self.assertEqual([Code.NETWORK_NOT_MAPPED] * 2, self.codes())

    def test_a_type_on_the_backend(self) -> None:
        self.known[1] = types.VolumeType("iron", "iron", {})
        self.assertEqual([Code.CLONE_TYPE_MISSING], self.codes())

    def test_the_quota_of_all_that_is_made(self) -> None:
        self.quota(
            types.Quota("instances", 1, 0, 0),
            types.Quota("volumes_silver", 1, 0, 0),
        )
        self.assertEqual([Code.QUOTA_SHORT] * 2, self.codes())

    def test_an_address_on_the_test_network(self) -> None:
        taken = fake.port(
            "p", network_id="n2", description="", device_id="other"
        )
        self.target.network.known_ports = [taken]
        self.assertIn(Code.MAC_TAKEN, self.codes())

    def test_no_point(self) -> None:
        self.ctx.points = []
        self.assertEqual([Code.NO_RECOVERY_POINT], self.codes())

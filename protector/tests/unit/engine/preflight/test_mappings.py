# SPDX-License-Identifier: Apache-2.0
"""Each member is told what of it has no counterpart at the target."""

from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case


class MappingsTest(preflight_case.PreflightCase):
    def test_every_flavor_that_is_missing_is_named(self) -> None:
        for member in self.members:
            flavor = {"original_name": f"for-{member.instance_name}"}
            member.recipe = {**member.recipe, "flavor": flavor}
        messages = self.only("FlavorNotMapped")
        self.assertEqual(
            [True, True], ["for-web" in messages[0], "for-db" in messages[1]]
        )

    def test_every_network_that_is_missing_is_named(self) -> None:
        for member in self.members:
            name = f"net-{member.instance_name}"
            ports = [fake_scene.port(network_id=name, network_name=name)]
            member.recipe = {**member.recipe, "ports": ports}
        messages = self.only("NetworkNotMapped")
        self.assertEqual(2, len(messages))
        self.assertIn("net-web", messages[0])
        self.assertIn("net-db", messages[1])

    def test_all_that_a_member_lacks_is_named_with_its_name(self) -> None:
        self.target.compute.known_flavors = []
        self.target.network.known_networks = []
        found = self.findings()
        self.assertEqual({"mappings"}, {f.check for f in found})
        self.assertEqual(4, len(found))
        for name in ("web", "db"):
            mine = [f for f in found if f.message.startswith(f"Member {name}")]
            self.assertEqual(2, len(mine))
            self.assertIn("map flavor m1", mine[0].fix)
            self.assertIn("Map network net", mine[1].fix)

    def test_a_mapped_zone_that_is_not_there(self) -> None:
        pair = {"primary": "az1", "secondary": "az9"}
        self.start(mappings={"availability_zones": [pair]})
        web = self.members[0]
        web.recipe = {**web.recipe, "availability_zone": "az1"}
        (message,) = self.only("AvailabilityZoneMissing")
        self.assertIn("availability zone az9", message)
        self.target.compute.zones = ["az9"]
        self.assertEqual([], self.findings())

    def test_a_mapped_security_group_that_is_not_there(self) -> None:
        pair = {"primary": "web", "secondary": "front"}
        self.start(mappings={"security_groups": [pair]})
        groups = [
            {"id": "1", "name": "web", "rules": []},
            {"id": "2", "name": "db", "rules": []},
        ]
        web = self.members[0]
        web.recipe = {**web.recipe, "security_groups": groups}
        (message,) = self.only("SecurityGroupMissing")
        self.assertIn("no security group front", message)
        self.target.network.groups = {"9": {"id": "9", "name": "front"}}
        self.assertEqual([], self.findings())

    def test_a_mapped_subnet_that_is_not_on_the_network(self) -> None:
        pair = {"primary": "net", "secondary": "net"}
        subnets = [{"primary": "sa", "secondary": "sb"}]
        self.start(mappings={"networks": [{**pair, "subnets": subnets}]})
        web = self.members[0]
        ip = {"ip_address": "10.0.0.9", "subnet_id": "1", "subnet_name": "sa"}
        port = fake_scene.port(fixed_ips=[ip])
        web.recipe = {**web.recipe, "ports": [port]}
        known = self.target.network.known_subnets
        known[0]["name"] = "other"
        (message,) = self.only("NetworkNotMapped")
        self.assertIn("no subnet sb", message)
        known[0]["name"] = "sb"
        self.assertEqual([], self.findings())

    def test_a_mapped_keypair_that_is_not_there_stops_nothing(self) -> None:
        pair = {"primary": "ops", "secondary": "dr-ops"}
        self.start(mappings={"keypairs": [pair]})
        web = self.members[0]
        web.recipe = {**web.recipe, "keypair": {"name": "ops"}}
        (message,) = self.only("KeypairMissing", "warning")
        self.assertIn("no keypair dr-ops", message)
        self.target.compute.own_keys = ["dr-ops"]
        self.assertEqual([], self.findings())

    def test_what_is_parked_needs_no_counterpart(self) -> None:
        self.target.compute.known_flavors = []
        for member in self.members:
            name = member.instance_name
            member.copies.append(
                fake_scene.copy(
                    fake_scene.THERE, f"t-{name}", ports=[{"id": name}]
                )
            )
        self.target.network.known_networks = []
        self.assertEqual([], self.findings())

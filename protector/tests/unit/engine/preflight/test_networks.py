# SPDX-License-Identifier: Apache-2.0
"""Addresses of the members that others hold at the target."""

from typing import Any

from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case

HERE, THERE = fake_scene.HERE, fake_scene.THERE


class NetworksTest(preflight_case.PreflightCase):
    def test_a_mac_that_another_port_has(self) -> None:
        self.members.pop()
        self.start()
        self.target.network.known_ports = [
            fake.port("p1"),
            fake.port("mine", description="protector:m-web:0"),
            fake.port("elsewhere", network_id="n2"),
            fake.port("other-mac", mac_address="fa:16:3e:00:00:02"),
        ]
        (message,) = self.only("MacTaken")
        self.assertIn("port p1", message)
        self.assertIn("fa:16:3e:00:00:01", message)

    def test_ports_that_are_made_are_not_looked_for(self) -> None:
        self.target.network.known_networks = []
        for member in self.members:
            member.copies.append(
                fake_scene.copy(THERE, "t", ports=[{"id": "p"}])
            )
        self.assertEqual([], self.findings())

    def with_address(
        self, address: str, mappings: Any = None, **values: Any
    ) -> None:
        self.members.pop()
        web = self.members[0]
        ip = {"ip_address": address, "subnet_name": "home"}
        port = fake_scene.port(fixed_ips=[ip], **values)
        web.recipe = {**web.recipe, "ports": [port]}
        self.start(mappings=mappings)

    def test_an_address_that_another_port_has(self) -> None:
        self.with_address("10.0.0.7", mac_address="fa:16:3e:00:00:09")
        held = {"mac_address": "fa:16:3e:00:00:02"}
        self.target.network.known_ports = [
            fake.port("p1", **held),
            fake.port("mine", description="protector:m-web:0", **held),
            fake.port("elsewhere", network_id="n2", **held),
            fake.port(
                "other", fixed_ips=({"ip_address": "10.0.0.8"},), **held
            ),
        ]
        (message,) = self.only("AddressTaken")
        self.assertIn("Address 10.0.0.7 of web", message)
        self.assertIn("port p1", message)

    def test_an_address_outside_of_every_subnet(self) -> None:
        self.with_address("192.0.2.7")
        self.target.network.known_subnets.append(
            {"id": "s2", "network_id": "n2", "cidr": "192.0.2.0/24"}
        )
        (message,) = self.only("AddressNotInSubnet", "warning")
        self.assertIn("192.0.2.7", message)

    def to_subnet(self, address: str, name: str) -> None:
        """web's address comes from a network with two subnets, of which
        the mapping names one; another port has the address."""
        pair = {"primary": "net", "secondary": "net"}
        subnets = [{"primary": "home", "secondary": name}]
        mappings = {"networks": [{**pair, "subnets": subnets}]}
        held = {"mac_address": "fa:16:3e:00:00:02"}
        self.with_address(address, mappings)
        self.target.network.known_subnets.append(
            {
                "id": "sub2",
                "name": "other",
                "network_id": "n1",
                "cidr": "192.0.2.0/24",
            }
        )
        self.target.network.known_ports = [fake.port("p1", **held)]

    def test_an_address_that_the_mapped_subnet_does_not_hold(self) -> None:
        """Neutron chooses another one: whose this is does not matter."""
        self.to_subnet("10.0.0.7", "other")
        (message,) = self.only("AddressNotInSubnet", "warning")
        self.assertIn("10.0.0.7", message)

    def test_an_address_that_the_mapped_subnet_holds(self) -> None:
        self.to_subnet("10.0.0.7", "sub")
        (message,) = self.only("AddressTaken")
        self.assertIn("port p1", message)

    def test_a_mapped_subnet_that_is_gone_is_told_with_mappings(self) -> None:
        self.to_subnet("10.0.0.7", "gone")
        (message,) = self.only("NetworkNotMapped")
        self.assertIn("no subnet gone", message)

    def test_many_ports_are_asked_about_in_batches(self) -> None:
        self.members.pop()
        web = self.members[0]
        macs = [f"fa:16:3e:00:01:{n:02x}" for n in range(90)]
        web.recipe = {
            **web.recipe,
            "ports": [fake_scene.port(mac_address=m) for m in macs],
        }
        self.start()
        network = self.target.network
        asked: list[Any] = []
        look = network.ports

        def ports(**filters: Any) -> Any:
            asked.append(filters)
            return look(**filters)

        network.ports = ports
        network.known_ports = [fake.port("p", mac_address=macs[-1])]
        (message,) = self.only("MacTaken")
        self.assertIn(macs[-1], message)
        self.assertEqual(3, len(asked))

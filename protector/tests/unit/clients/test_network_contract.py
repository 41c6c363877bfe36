# SPDX-License-Identifier: Apache-2.0
"""Our clients of Neutron, Glance and Keystone on a whole cloud."""

from typing import Any

from protector import exception
from protector.tests.unit.clients import contract

NOWHERE = "11111111-2222-3333-4444-555555555555"
MAC = "fa:16:3e:77:66:55"


class NetworkContractTest(contract.ContractTestCase):
    def _network(self) -> Any:
        """A network of the tenant's own, made by the tenant."""
        theirs = self.under_test.tenant.network
        network = theirs.create_network(name=self.name("network"))
        self.addCleanup(theirs.delete_network, network)
        theirs.create_subnet(
            network_id=network.id,
            ip_version=4,
            cidr="10.77.0.0/24",
            name=self.name("subnet"),
        )
        return network

    def _port(self, network_id: str, **extra: Any) -> Any:
        body = {
            "network_id": network_id,
            "project_id": self.tenant.project_id,
            **extra,
        }
        port = self.tenant.network.create_port(body)
        self.addCleanup(self.drop, self.tenant.network.delete_port, port.id)
        return port

    def test_a_port_with_mac_and_address(self) -> None:
        client = self.tenant.network
        network = self._network()
        subnet = client.subnets(network_id=network.id)[0]
        fixed = {"subnet_id": subnet["id"], "ip_address": "10.77.0.9"}
        port = self._port(
            network.id,
            mac_address=MAC,
            fixed_ips=[fixed],
            description="the mark",
        )
        self.assertEqual(MAC, port.mac_address)
        self.assertEqual((fixed,), port.fixed_ips)
        self.assertEqual(port, client.get_port(port.id))
        self.assertEqual(self.tenant.project_id, port.raw["project_id"])
        for filters in (
            {"description": "the mark"},
            {"network_id": network.id, "mac_address": MAC},
            {"id": [port.id, NOWHERE]},
        ):
            found = client.ports(**filters)
            self.assertEqual([port.id], [p.id for p in found])
        error = self.assertRaises(
            exception.CloudConflict, self._port, network.id, mac_address=MAC
        )
        self.assertIn(MAC, error.message)
        changed = client.update_port(port.id, {"name": "renamed"})
        self.assertEqual("renamed", changed.name)
        client.delete_port(port.id)
        self.assertRaises(exception.CloudNotFound, client.get_port, port.id)

    def test_lists_stay_in_the_project(self) -> None:
        """An admin's token would show everybody's."""
        stranger = self.under_test.stranger
        network = stranger.network.create_network(name=self.name("network"))
        self.addCleanup(stranger.network.delete_network, network)
        port = stranger.network.create_port(network_id=network.id)
        self.addCleanup(stranger.network.delete_port, port)
        client = self.tenant.network
        self.assertNotIn(port.id, {p.id for p in client.ports()})
        self.assertNotIn(network.id, {n["id"] for n in client.networks()})
        self.assertEqual(
            {self.tenant.project_id},
            {g["project_id"] for g in client.security_groups()},
        )
        found = client.ports(network_id=network.id)
        self.assertEqual([port.id], [p.id for p in found])
        everywhere = client.ports(project_id=stranger.current_project_id)
        self.assertEqual([port.id], [p.id for p in everywhere])

    def test_networks_that_can_be_used(self) -> None:
        network = self._network()
        client = self.tenant.network
        self.assertIn(network.id, {n["id"] for n in client.networks()})
        self.assertEqual(network.name, client.network(network.id)["name"])
        self.assertRaises(exception.CloudNotFound, client.network, NOWHERE)

    def test_security_groups(self) -> None:
        client = self.tenant.network
        made = client.create_security_group(self.name("sg"), "for a test")
        self.addCleanup(self.drop, client.delete_security_group, made["id"])
        rule = {
            "security_group_id": made["id"],
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
        }
        added = client.create_security_group_rule(rule)
        found = client.security_group(made["id"])
        self.assertEqual(3, len(found["security_group_rules"]))
        self.assertEqual(self.tenant.project_id, found["project_id"])
        self.assertRaises(
            exception.CloudConflict, client.create_security_group_rule, rule
        )
        client.delete_security_group_rule(added["id"])
        client.delete_security_group(made["id"])
        self.assertRaises(
            exception.CloudNotFound, client.security_group, made["id"]
        )

    def test_floating_ips_of_a_port_without_any(self) -> None:
        port = self._port(self._network().id)
        self.assertEqual([], self.tenant.network.floating_ips(port.id))
        self.assertEqual([], self.tenant.network.floating_ips())

    def test_quotas(self) -> None:
        self._network()
        quotas = {q.resource: q for q in self.tenant.network.quotas()}
        self.assertGreater(quotas["port"].limit, 0)
        self.assertGreaterEqual(quotas["network"].in_use, 1)

    def test_images(self) -> None:
        image = self.tenant.image.list()[0]
        self.assertEqual(image, self.tenant.image.get(image["id"]))
        named = self.tenant.image.list(name=image["name"])
        self.assertIn(image["id"], {i["id"] for i in named})
        self.assertRaises(
            exception.CloudNotFound, self.tenant.image.get, NOWHERE
        )

    def test_identity(self) -> None:
        client = self.site.identity
        known = client.check()
        self.assertIn("admin", known["roles"])
        self.assertEqual(client.user_id, known["user_id"])
        self.assertEqual(client.project_id, known["project_id"])
        self.assertEqual(self.site.service.project_id, known["project_id"])
        project = client.project(self.tenant.project_id)
        self.assertEqual(
            [project["id"]],
            [p["id"] for p in client.find_projects(project["name"])],
        )
        self.assertEqual("Default", client.domain("default")["name"])
        self.assertRaises(exception.CloudNotFound, client.project, NOWHERE)
        self.assertEqual(known, client.sign_in())
        for kind in ("identity", "compute", "volumev3", "network"):
            self.assertIsNotNone(client.endpoint(kind), kind)
        self.assertIsNone(client.endpoint("key-manager"))

    def test_a_project_that_is_not_ours_to_enter(self) -> None:
        entered = self.site.project(NOWHERE.replace("-", ""))
        self.assertRaises(
            exception.CloudForbidden, entered.compute.list_servers
        )

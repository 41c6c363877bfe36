# SPDX-License-Identifier: Apache-2.0
"""What Neutron does, real or emulated."""

import secrets
import typing

from protector.tests.unit.sandbox.cloud import contract

CIDR = "10.99.0.0/24"


class NeutronContractTest(contract.ContractTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.network = self.tenant.network.create_network(
            name=f"contract-{secrets.token_hex(4)}"
        )
        self.addCleanup(self.tenant.network.delete_network, self.network)
        self.subnet = self.tenant.network.create_subnet(
            network_id=self.network.id, cidr=CIDR, ip_version=4
        )

    def port(self, **given: typing.Any) -> typing.Any:
        made = self.tenant.network.create_port(
            network_id=self.network.id, **given
        )
        self.addCleanup(self.tenant.network.delete_port, made)
        return made

    def no_port(self, status: int, kind: str, **given: typing.Any) -> None:
        self.refused_as(
            status,
            kind,
            self.tenant.network.create_port,
            network_id=self.network.id,
            **given,
        )

    def test_a_port_gets_address_mac_and_default_group(self) -> None:
        port = self.port(name="plain")
        self.assertEqual("DOWN", port.status)
        self.assertTrue(port.mac_address.startswith("fa:16:3e:"))
        (fixed,) = port.fixed_ips
        self.assertEqual(self.subnet.id, fixed["subnet_id"])
        self.assertNotEqual("10.99.0.1", fixed["ip_address"])
        (group_id,) = port.security_group_ids
        group = self.tenant.network.get_security_group(group_id)
        self.assertEqual("default", group.name)
        self.assertEqual(4, len(group.security_group_rules))

    def test_requested_addresses_are_honoured_once(self) -> None:
        fixed = [{"ip_address": "10.99.0.50"}]
        mac = "fa:16:3e:99:00:01"
        port = self.port(fixed_ips=fixed, mac_address=mac)
        self.assertEqual("10.99.0.50", port.fixed_ips[0]["ip_address"])
        self.assertEqual(mac, port.mac_address)
        self.no_port(409, "IpAddressAlreadyAllocated", fixed_ips=fixed)
        self.no_port(409, "MacAddressInUse", mac_address=mac)

    def test_addresses_of_other_networks_are_refused(self) -> None:
        fixed = [{"ip_address": "10.98.0.5"}]
        self.no_port(400, "InvalidIpForNetwork", fixed_ips=fixed)
        fixed[0]["subnet_id"] = self.subnet.id
        self.no_port(400, "InvalidIpForSubnet", fixed_ips=fixed)

    def test_tags_in_a_creation_have_no_effect(self) -> None:
        body = {"port": {"network_id": self.network.id, "tags": ["a"]}}
        answer = self.tenant.network.post("/ports", json=body)
        self.assertEqual(201, answer.status_code)
        port = answer.json()["port"]
        self.addCleanup(self.tenant.network.delete_port, port["id"])
        self.assertEqual([], port["tags"])
        found = self.tenant.network.get_port(port["id"])
        self.tenant.network.set_tags(found, ["a", "b"])
        by_tag = list(self.tenant.network.ports(tags="a,b"))
        self.assertEqual([port["id"]], [row.id for row in by_tag])
        self.assertEqual([], list(self.tenant.network.ports(tags="a,c")))

    def test_filters(self) -> None:
        port = self.port(name=f"n-{secrets.token_hex(4)}")
        self.port()
        fixed = port.fixed_ips[0]["ip_address"]
        for query in (
            {"id": port.id},
            {"name": port.name},
            {"mac_address": port.mac_address},
            {"network_id": self.network.id, "name": port.name},
            {"project_id": port.project_id, "name": port.name},
            {"fixed_ips": f"ip_address={fixed}", "name": port.name},
        ):
            found = list(self.tenant.network.ports(**query))
            self.assertEqual([port.id], [row.id for row in found], query)
        answer = self.tenant.network.get(
            f"/ports?network_id={self.network.id}&fields=id&fields=name"
        ).json()["ports"]
        self.assertEqual([{"id", "name"}] * 2, [set(r) for r in answer])
        self.assertEqual(
            400, self.tenant.network.get("/ports?absent=1").status_code
        )

    def test_pages(self) -> None:
        made = {self.port().id for _ in range(3)}
        found = self.tenant.network.ports(limit=1, network_id=self.network.id)
        self.assertEqual(made, {row.id for row in found})

    def test_one_tenant_is_blind_to_another(self) -> None:
        port, other = self.port(), self.stranger.network
        self.assertEqual([], list(other.ports()))
        for call, key in (
            (other.get_port, port.id),
            (other.get_network, self.network.id),
            (other.get_subnet, self.subnet.id),
            (other.get_security_group, port.security_group_ids[0]),
        ):
            self.refused(404, call, key)
        self.refused_as(
            404,
            "NetworkNotFound",
            other.create_port,
            network_id=self.network.id,
        )
        self.assertEqual(port.id, self.admin.network.get_port(port.id).id)

    def test_only_an_admin_binds(self) -> None:
        port = self.port()
        self.refused(
            403,
            self.tenant.network.update_port,
            port.id,
            binding_host_id="nowhere",
        )
        shown = self.tenant.network.get(f"/ports/{port.id}").json()["port"]
        self.assertNotIn("binding:host_id", shown)
        self.assertEqual("normal", shown["binding:vnic_type"])

    def test_port_security(self) -> None:
        pairs = [{"ip_address": "10.99.0.200"}]
        port = self.port(allowed_address_pairs=pairs)
        self.assertEqual(
            [{**pairs[0], "mac_address": port.mac_address}],
            port.allowed_address_pairs,
        )
        self.no_port(
            409,
            "AddressPairAndPortSecurityRequired",
            port_security_enabled=False,
            allowed_address_pairs=pairs,
        )
        bare = self.port(port_security_enabled=False)
        self.assertEqual([], bare.security_group_ids)

    def test_a_network_in_use_stays(self) -> None:
        self.port()
        network = self.tenant.network
        self.refused_as(
            409, "NetworkInUse", network.delete_network, self.network.id
        )
        self.refused_as(
            409, "SubnetInUse", network.delete_subnet, self.subnet.id
        )
        self.refused(
            400,
            network.create_subnet,
            network_id=self.network.id,
            cidr=CIDR,
            ip_version=4,
        )

    def test_only_an_admin_shares(self) -> None:
        self.refused(
            403, self.tenant.network.create_network, name="x", shared=True
        )

    def test_security_groups(self) -> None:
        network = self.tenant.network
        group = network.create_security_group(name="contract")
        self.addCleanup(network.delete_security_group, group)
        self.assertEqual(2, len(group.security_group_rules))
        rule = {
            "security_group_id": group.id,
            "direction": "ingress",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
        }
        made = network.create_security_group_rule(**rule)
        self.assertEqual("IPv4", made.ether_type)
        create = network.create_security_group_rule
        self.refused_as(409, "SecurityGroupRuleExists", create, **rule)
        self.refused(400, create, **{**rule, "port_range_max": 1})
        self.refused(400, create, **{**rule, "direction": "sideways"})
        port = self.port(security_groups=[group.id])
        self.assertEqual([group.id], port.security_group_ids)
        self.refused_as(
            409, "SecurityGroupInUse", network.delete_security_group, group.id
        )
        absent = "00000000-0000-4000-8000-000000000000"
        self.no_port(404, "SecurityGroupNotFound", security_groups=[absent])

    def test_quota(self) -> None:
        project_id = self.tenant.current_project_id
        self.refused(
            403, self.tenant.network.update_quota, project_id, ports=1
        )
        self.port()
        used = self.admin.network.get_quota(project_id, details=True)
        self.assertEqual(500, used.ports["limit"])
        self.admin.network.update_quota(project_id, ports=used.ports["used"])
        self.addCleanup(self.admin.network.delete_quota, project_id)
        self.no_port(409, "OverQuota")

    def test_a_floating_ip_needs_a_router(self) -> None:
        (external, *_) = self.admin.network.networks(is_router_external=True)
        network = self.tenant.network
        port = self.port()
        floating = network.create_ip(floating_network_id=external.id)
        self.addCleanup(network.delete_ip, floating)
        self.assertEqual("DOWN", floating.status)
        self.refused_as(
            404,
            "ExternalGatewayForFloatingIPNotFound",
            network.update_ip,
            floating,
            port_id=port.id,
        )
        router = network.create_router(
            external_gateway_info={"network_id": external.id}
        )
        self.addCleanup(network.delete_router, router)
        network.add_interface_to_router(router, subnet_id=self.subnet.id)
        self.addCleanup(
            network.remove_interface_from_router,
            router,
            subnet_id=self.subnet.id,
        )
        self.refused_as(409, "RouterInUse", network.delete_router, router.id)
        network.update_ip(floating, port_id=port.id)
        found = network.get_ip(floating.id)
        self.assertEqual(port.id, found.port_id)
        self.assertEqual(
            port.fixed_ips[0]["ip_address"], found.fixed_ip_address
        )
        network.update_ip(floating, port_id=None)
        self.assertIsNone(network.get_ip(floating.id).port_id)

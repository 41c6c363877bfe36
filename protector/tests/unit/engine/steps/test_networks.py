# SPDX-License-Identifier: Apache-2.0
"""Ports, security groups and floating IPs: made, recorded, unmade."""

from typing import Any

from protector import exception
from protector.db import models
from protector.engine import records
from protector.engine.steps import networks
from protector.tests.unit.engine import arrival_case

LOST = exception.CloudUnavailable("no answer")
WEB = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
ALL_OUT = {"direction": "egress", "ethertype": "IPv4", "protocol": None}


class PortsTest(arrival_case.ArrivalCase):
    def two_ports(self) -> None:
        mac = "fa:16:3e:00:00:02"
        ports = [arrival_case.port(), arrival_case.port(mac_address=mac)]
        self.change_member(recipe=arrival_case.recipe(ports=ports))
        self.again()

    def recorded(self) -> list[str]:
        return [p["id"] for p in self.copy().ports]

    def test_made_once(self) -> None:
        first = networks.ports(self.ctx)["ports"]
        self.assertEqual(first, networks.ports(self.again())["ports"])
        self.assertEqual(first, list(self.there.network.rows))
        self.assertEqual(first, self.recorded())

    def test_each_is_recorded_when_it_is_made(self) -> None:
        self.two_ports()
        network = self.there.network
        real = network.create_port
        made: list[Any] = []

        def create_port(body: Any) -> Any:
            if made:
                raise exception.CloudConflict("MAC taken")
            made.append(real(body))
            return made[0]

        network.create_port = create_port  # type: ignore[method-assign]
        self.assertRaises(exception.CloudConflict, networks.ports, self.ctx)
        self.assertEqual([made[0].id], self.recorded())
        networks.unmake(self.again())
        self.assertEqual(({}, []), (network.rows, self.recorded()))

    def fixed_ips(self, *rows: Any, **pair: Any) -> Any:
        """Where the port's address is asked for, by the target's subnets."""
        network = self.there.network
        network.subnets = lambda network_id: list(rows)  # type: ignore
        bodies: list[Any] = []
        real = network.create_port

        def create_port(body: Any) -> Any:
            bodies.append(body)
            return real(body)

        network.create_port = create_port  # type: ignore[method-assign]
        ip = {"ip_address": "10.0.0.7", "subnet_name": "sub-here"}
        port = arrival_case.port(fixed_ips=[ip])
        self.change_member(recipe=arrival_case.recipe(ports=[port]))
        given = {"primary": "net", "secondary": "net", **pair}
        with self.runtime.db.writer() as session:
            session.merge(
                models.ResourceMapping(
                    protection_group_id=self.group_id,
                    mappings={"networks": [given]},
                    created_at=self.clock.now(),
                )
            )
        networks.ports(self.again())
        return bodies[-1].get("fixed_ips")

    def test_an_address_comes_from_the_mapped_subnet(self) -> None:
        other = {"id": "1", "name": "other", "cidr": "10.0.0.0/24"}
        mapped = {"id": "2", "name": "sub-there", "cidr": "10.0.0.0/16"}
        pair = {"primary": "sub-here", "secondary": "sub-there"}
        self.assertEqual(
            [{"subnet_id": "2", "ip_address": "10.0.0.7"}],
            self.fixed_ips(other, mapped, subnets=[pair]),
        )

    def test_a_mapped_subnet_of_other_addresses_gives_a_new_one(self) -> None:
        other = {"id": "1", "name": "other", "cidr": "10.0.0.0/24"}
        mapped = {"id": "2", "name": "sub-there", "cidr": "192.0.2.0/24"}
        pair = {"primary": "sub-here", "secondary": "sub-there"}
        self.assertEqual(
            [{"subnet_id": "2"}],
            self.fixed_ips(other, mapped, subnets=[pair]),
        )

    def test_without_a_mapping_the_first_that_holds_it(self) -> None:
        twins = [
            {"id": n, "name": n, "cidr": "10.0.0.0/24"} for n in ("1", "2")
        ]
        self.assertEqual(
            [{"subnet_id": "1", "ip_address": "10.0.0.7"}],
            self.fixed_ips(*twins),
        )

    def test_undo_finds_what_an_answer_did_not_tell(self) -> None:
        self.there.fail("create_port", LOST, done=True)
        self.assertRaises(exception.CloudUnavailable, networks.ports, self.ctx)
        networks.unmake(self.again())
        self.assertEqual({}, self.there.network.rows)

    def test_undo_leaves_what_was_there(self) -> None:
        networks.ensure_ports(self.ctx, self.site.peer_id)
        self.end(self.ctx.operation.id)
        self.set_group(status="active")
        self.ctx = self.for_member()
        networks.ports(self.ctx)
        networks.unmake(self.again())
        self.assertEqual(self.recorded(), list(self.there.network.rows))
        self.assertEqual(1, len(self.recorded()))

    def test_a_deleted_one_is_made_anew(self) -> None:
        (first,) = networks.ports(self.ctx)["ports"]
        del self.there.network.rows[first]
        (second,) = networks.ports(self.again())["ports"]
        self.assertEqual([second], self.recorded())
        self.assertIn(second, self.there.network.rows)

    def test_a_recorded_one_of_the_tenants_stays_the_tenants(self) -> None:
        """The original's own port outlived its server."""
        (port_id,) = networks.ports(self.ctx)["ports"]
        entry = {**self.copy().ports[0], "made": False}
        self.set_copy(ports=[entry])
        networks.ports(self.again())
        self.assertEqual([entry], self.copy().ports)

    def test_one_that_another_server_took(self) -> None:
        (port_id,) = networks.ports(self.ctx)["ports"]
        rows = self.there.network.rows
        rows[port_id] = arrival_case.fake.port(port_id, device_id="s9")
        error = self.assertRaises(
            exception.UnexpectedState, networks.ports, self.again()
        )
        self.assertIn("s9", error.message)

    def test_of_two_with_one_mark_the_older_is_used(self) -> None:
        body = {
            "description": records.port_mark(self.member_id, 0),
            "mac_address": "fa:16:3e:00:00:01",
            "security_groups": [],
        }
        first, second = (
            self.there.network.create_port(body).id for _ in range(2)
        )
        self.assertEqual([first], networks.ports(self.ctx)["ports"])
        self.assertEqual([second], self.residue())


class SecurityGroupsTest(arrival_case.ArrivalCase):
    def map(self, name: str) -> None:
        pairs = [{"primary": "web", "secondary": name}]
        with self.runtime.db.writer() as session:
            session.add(
                models.ResourceMapping(
                    protection_group_id=self.group_id,
                    mappings={"security_groups": pairs},
                    created_at=self.clock.now(),
                )
            )

    def test_a_mapped_one_that_is_gone_is_not_made(self) -> None:
        self.map("front")
        self.use(WEB)
        error = self.assertRaises(
            exception.PreflightFailed, networks.ports, self.ctx
        )
        self.assertIn("no security group front", error.message)
        self.assertEqual({}, self.there.network.groups)

    def test_a_mapped_one_is_used_as_it_is(self) -> None:
        made = self.there.network.create_security_group("front", "")
        self.map("front")
        self.use(WEB)
        networks.ports(self.ctx)
        (port,) = self.there.network.rows.values()
        self.assertEqual((made["id"],), port.security_group_ids)
        self.assertEqual(2, len(self.rules()))

    def use(self, *rules: Any) -> None:
        group = {
            "id": "sg-here",
            "name": "web",
            "description": "",
            "rules": list(rules),
        }
        ports = [arrival_case.port(security_groups=["sg-here"])]
        self.change_member(
            recipe=arrival_case.recipe(ports=ports, security_groups=[group])
        )
        self.again()

    def rules(self) -> list[tuple[str, str]]:
        (group,) = self.there.network.groups.values()
        rules = group["security_group_rules"]
        return [(r["direction"], r["ethertype"]) for r in rules]

    def test_rules_that_the_source_had_removed_go(self) -> None:
        self.use(WEB)
        networks.ports(self.ctx)
        self.assertEqual([("ingress", "IPv4")], self.rules())

    def test_rules_that_the_source_has_stay(self) -> None:
        self.use(WEB, ALL_OUT)
        networks.ports(self.ctx)
        self.assertCountEqual(
            [("ingress", "IPv4"), ("egress", "IPv4")], self.rules()
        )

    def test_a_group_of_the_tenants_is_not_touched(self) -> None:
        made = self.there.network.create_security_group("web", "mine")
        self.use(WEB)
        networks.ports(self.ctx)
        self.assertEqual(2, len(self.rules()))
        networks.unmake(self.again())
        self.assertIn(made["id"], self.there.network.groups)

    def test_recorded_at_once_and_undone(self) -> None:
        self.use(WEB)
        self.there.fail("create_port", exception.CloudConflict("MAC taken"))
        self.assertRaises(exception.CloudConflict, networks.ports, self.ctx)
        self.assertEqual(
            list(self.there.network.groups),
            self.copy().made["security_groups"],
        )
        networks.unmake(self.again())
        self.assertEqual({}, self.there.network.groups)
        self.assertEqual([], self.copy().made["security_groups"])


class FloatingIpsTest(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        floating = {
            "id": "f-here",
            "address": "203.0.113.9",
            "network_id": "ext-here",
            "network_name": "public",
        }
        ports = [arrival_case.port(floating_ips=[floating])]
        self.change_member(recipe=arrival_case.recipe(ports=ports))
        self.again()
        self.network = self.there.network
        self.network.nets.append(
            {"id": "ext", "name": "public", "router:external": True}
        )

    def test_one_in_its_place(self) -> None:
        (port_id,) = networks.ports(self.ctx)["ports"]
        networks.ports(self.again())
        (made,) = self.network.floating.values()
        self.assertEqual(
            ("ext", port_id), (made["floating_network_id"], made["port_id"])
        )
        (entry,) = self.copy().floating_ips
        self.assertEqual(
            (made["id"], made["floating_ip_address"], "203.0.113.9"),
            (entry["id"], entry["address"], entry["stands_for"]),
        )
        networks.unmake(self.again())
        self.assertEqual({}, self.network.floating)
        self.assertEqual([], self.copy().floating_ips)

    def test_what_was_there_before_is_not_undone(self) -> None:
        """It was made when the member was added."""
        networks.ports(self.ctx)
        self.end(self.ctx.operation.id)
        self.set_group(status="active", operation_id=None)
        self.ctx = self.for_member()
        networks.ports(self.ctx)
        networks.unmake(self.again())
        self.assertEqual(1, len(self.network.floating))
        self.assertEqual(1, len(self.copy().floating_ips))
        self.assertEqual(1, len(self.copy().ports))

    def test_what_cannot_be_had_is_a_warning(self) -> None:
        self.network.nets.pop()
        networks.ports(self.ctx)
        networks.ports(self.again())
        (warning,) = self.row().warnings
        self.assertIn("203.0.113.9", warning)
        self.assertIn("public", warning)

    def test_a_refusal_is_a_warning_a_lost_answer_is_not(self) -> None:
        self.there.fail("create_floating_ip", exception.CloudQuota("full"))
        networks.ports(self.ctx)
        self.assertIn("full", self.row().warnings[0])
        self.there.fail("create_floating_ip", LOST)
        self.assertRaises(
            exception.CloudUnavailable, networks.ports, self.again()
        )

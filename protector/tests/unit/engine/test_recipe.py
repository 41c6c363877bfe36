# SPDX-License-Identifier: Apache-2.0
"""The recipe: what is read of a server, and what cannot be protected."""

import dataclasses
import json
from typing import Any

from protector import exception
from protector.clients import types
from protector.engine import recipe, recipe_networks
from protector.tests import base
from protector.tests.unit.engine import fake_project as fake

RULES = recipe.Rules("gold", "gold-id", "site-a@pure#pure", "group-1")
NotProtectable = exception.MemberNotProtectable


class RecipeTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.project = fake.Project()
        self.compute = self.project.compute
        self.network = self.project.network
        self.server()
        self.disks("/dev/vda", "/dev/vdb", "/dev/vdc")

    def server(self, raw: Any = None, **values: Any) -> None:
        given = {"flavor": dict(fake.FLAVOR)} | (raw or {})
        self.compute.servers["s1"] = fake.server(raw=given, **values)

    def disks(self, *devices: str) -> None:
        """A volume ``v-<device>`` at each device, in this order."""
        names = [f"v-{d.rpartition('/')[2]}" for d in devices]
        self.project.volume.rows = {n: fake.volume(n) for n in names}
        self.compute.attached = [
            fake.attachment(n, d) for n, d in zip(names, devices, strict=True)
        ]

    def change(self, volume_id: str, **values: Any) -> None:
        rows = self.project.volume.rows
        rows[volume_id] = dataclasses.replace(rows[volume_id], **values)

    def capture(self, ids: list[str] | None = None) -> recipe.Captured:
        return recipe.capture(self.project, "s1", ids, RULES)

    def order(self, ids: list[str] | None = None) -> list[str]:
        return [v.id for v, _ in self.capture(ids).volumes]

    def refused(
        self, kind: type[Exception], ids: list[str] | None = None
    ) -> Any:
        error = self.assertRaises(kind, self.capture, ids)
        self.assertTrue(error.remedy)
        return error


class ServerTest(RecipeTest):
    def test_no_such_server_or_another_projects(self) -> None:
        self.server(project_id="p-else")
        for instance_id in ("s1", "s2"):
            error = self.assertRaises(
                exception.InvalidReference,
                recipe.capture,
                self.project,
                instance_id,
                None,
                RULES,
            )
            # the two must not be told apart
            self.assertEqual(
                f"There is no instance {instance_id} in the project.",
                error.message,
            )

    def test_only_active_and_shut_off(self) -> None:
        for status in ("ACTIVE", "SHUTOFF"):
            self.server(status=status)
            self.assertEqual(status, self.capture().recipe["status"])
        for status in ("RESCUE", "VERIFY_RESIZE", "ERROR", "PAUSED"):
            self.server(status=status)
            error = self.refused(NotProtectable)
            self.assertIn(status, error.message)

    def test_what_stays_on_the_host_is_refused(self) -> None:
        for change in (
            {"ephemeral": 20},
            {"extra_specs": {"hw:tpm_version": "2.0"}},
            {"extra_specs": {"hw:tpm_model": "tpm-crb"}},
        ):
            self.server({"flavor": fake.FLAVOR | change})
            self.refused(NotProtectable)

    def test_a_tpm_by_image_property_is_refused_too(self) -> None:
        self.change("v-vda", image_metadata={"hw_tpm_version": "2.0"})
        self.refused(NotProtectable)

    def test_swap_is_a_warning(self) -> None:
        self.server({"flavor": fake.FLAVOR | {"swap": 512}})
        self.assertIn("swap", self.capture().warnings[0])

    def test_swap_as_old_nova_writes_none(self) -> None:
        self.server({"flavor": fake.FLAVOR | {"swap": ""}})
        self.assertEqual([], self.capture().warnings)

    def test_all_that_a_server_is_made_of(self) -> None:
        self.server(
            {
                "OS-EXT-SRV-ATTR:user_data": "I2Nsb3Vk",
                "OS-EXT-SRV-ATTR:hostname": "web",
                "OS-EXT-AZ:availability_zone": "nova",
                "config_drive": "True",
                "tags": ["a"],
                "description": "d",
                "server_groups": ["g1"],
                "scheduler_hints": {"group": "g1"},
            },
            metadata={"k": "v"},
            key_name="key",
        )
        key = types.Keypair("key", "ssh", "ssh-ed25519 AAAA")
        self.compute.keys["key", "u1"] = key
        self.compute.groups["g1"] = {"name": "g", "policy": "affinity"}
        found = self.capture().recipe
        # it is stored and sent as JSON
        self.assertEqual(found, json.loads(json.dumps(found)))
        for name, value in {
            "name": "name-s1",
            "user_data": "I2Nsb3Vk",
            "hostname": "web",
            "availability_zone": "nova",
            "config_drive": True,
            "tags": ["a"],
            "description": "d",
            "metadata": {"k": "v"},
            "keypair": dataclasses.asdict(key),
            "server_group": {"name": "g", "policy": "affinity"},
            "hints": {"group": "g1"},
            "flavor": fake.FLAVOR,
        }.items():
            self.assertEqual(value, found[name], name)

    def test_a_flavor_by_its_id_is_looked_up(self) -> None:
        self.server({"flavor": {"id": "f1"}})
        self.assertEqual(fake.FLAVOR, self.capture().recipe["flavor"])

    def test_a_keypair_that_is_gone_is_a_warning(self) -> None:
        self.server(key_name="lost")
        captured = self.capture()
        self.assertIsNone(captured.recipe["keypair"])
        self.assertIn("lost", captured.warnings[0])

    def test_the_zone_that_was_asked_for_wins(self) -> None:
        self.server(
            {
                "pinned_availability_zone": "az1",
                "OS-EXT-AZ:availability_zone": "az2",
            }
        )
        self.assertEqual("az1", self.capture().recipe["availability_zone"])


class VolumesTest(RecipeTest):
    def test_the_boot_volume_first_then_by_device(self) -> None:
        self.disks("/dev/vdaa", "/dev/vdz", "/dev/vdb", "/dev/vda")
        self.assertEqual(["v-vda", "v-vdb", "v-vdz", "v-vdaa"], self.order())
        indexes = [v["boot_index"] for v in self.capture().recipe["volumes"]]
        self.assertEqual([0, -1, -1, -1], indexes)

    def test_the_boot_volume_first_whatever_its_device(self) -> None:
        self.server(root_device_name="/dev/vdb")
        self.assertEqual(["v-vdb", "v-vda", "v-vdc"], self.order())

    def test_a_subset_with_the_boot_volume(self) -> None:
        self.assertEqual(["v-vda", "v-vdc"], self.order(["v-vdc", "v-vda"]))
        found = self.capture(["v-vdc", "v-vda"])
        self.assertEqual(["v-vdb"], found.recipe["left_out"])
        self.assertEqual([], self.capture().recipe["left_out"])

    def test_a_subset_without_the_boot_volume(self) -> None:
        for ids in (["v-vdb"], []):
            error = self.refused(NotProtectable, ids)
            self.assertIn("v-vda", error.message)

    def test_a_volume_that_is_not_attached(self) -> None:
        error = self.refused(exception.InvalidReference, ["v-vda", "v-x"])
        self.assertIn("v-x", error.message)

    def test_booted_from_an_image(self) -> None:
        self.disks("/dev/vdb")
        self.refused(NotProtectable)
        self.disks()
        self.refused(NotProtectable)

    def test_a_volume_that_the_project_cannot_see(self) -> None:
        """Attached by an administrator, from another project."""
        del self.project.volume.rows["v-vdb"]
        error = self.refused(NotProtectable)
        self.assertIn("v-vdb", error.message)
        # left out, it is nobody's business
        self.assertEqual(["v-vda", "v-vdc"], self.order(["v-vda", "v-vdc"]))

    def test_what_a_volume_must_be(self) -> None:
        for values, kind in (
            ({"volume_type": "bronze"}, exception.VolumeTypeMismatch),
            ({"encrypted": True}, NotProtectable),
            ({"multiattach": True}, NotProtectable),
            ({"group_id": "group-2"}, exception.VolumeInAnotherGroup),
            ({"host": "site-a@pure-2#pure"}, exception.VolumeTypeMismatch),
        ):
            self.disks("/dev/vda", "/dev/vdb")
            self.change("v-vdb", **values)
            error = self.refused(kind)
            self.assertEqual("v-vdb", error.details["volume_id"])
            self.assertEqual(["v-vda"], self.order(["v-vda"]))

    def test_what_a_volume_may_be(self) -> None:
        self.change("v-vda", volume_type="gold-id", group_id="group-1")
        # not an administrator's eyes: no host
        self.change("v-vdb", host=None)
        self.assertEqual(3, len(self.order()))

    def test_whose_the_metadata_is(self) -> None:
        self.change(
            "v-vda",
            metadata={
                "mine": "1",
                "array_volume_name": "x",
                "protector_member": "y",
            },
            image_metadata={"hw_disk_bus": "scsi"},
            bootable=True,
        )
        self.assertEqual(
            {
                "name": "name-v-vda",
                "description": "about v-vda",
                "size_gb": 10,
                "device": "/dev/vda",
                "tag": None,
                "boot_index": 0,
                "bootable": True,
                "image_metadata": {"hw_disk_bus": "scsi"},
                "metadata": {"mine": "1"},
            },
            self.capture().recipe["volumes"][0],
        )


class PortsTest(RecipeTest):
    def ports(self, *ports: types.Port) -> list[dict[str, Any]]:
        self.network.known_ports = list(ports)
        return self.capture().recipe["ports"]

    def test_in_the_order_they_were_made(self) -> None:
        made = [
            fake.port(f"p{n}", raw={"created_at": f"2026-01-0{n}T00:00:00Z"})
            for n in (2, 1, 3)
        ]
        strange = fake.port("other", device_id="s2")
        self.assertEqual(
            ["p1", "p2", "p3"], [p["id"] for p in self.ports(*made, strange)]
        )

    def test_all_that_a_port_is_made_of(self) -> None:
        self.network.known_networks.append({"id": "ext", "name": "public"})
        self.network.floating = [
            {
                "id": "f1",
                "port_id": "p1",
                "floating_ip_address": "192.0.2.7",
                "floating_network_id": "ext",
            }
        ]
        raw = {
            "allowed_address_pairs": [{"ip_address": "10.0.0.9"}],
            "dns_name": "web",
            "binding:vnic_type": "normal",
            "qos_policy_id": "q1",
            "binding:host_id": "of no use elsewhere",
        }
        (found,) = self.ports(fake.port("p1", raw=raw))
        self.assertEqual(
            {
                "id": "p1",
                "name": "",
                "network_id": "n1",
                "network_name": "net",
                "mac_address": "fa:16:3e:00:00:01",
                "fixed_ips": [
                    {
                        "ip_address": "10.0.0.7",
                        "subnet_id": "sub1",
                        "subnet_name": "sub",
                        "cidr": "10.0.0.0/24",
                    }
                ],
                "security_groups": [],
                "floating_ips": [
                    {
                        "id": "f1",
                        "address": "192.0.2.7",
                        "network_id": "ext",
                        "network_name": "public",
                    }
                ],
                "allowed_address_pairs": [{"ip_address": "10.0.0.9"}],
                "dns_name": "web",
                "binding:vnic_type": "normal",
                "qos_policy_id": "q1",
            },
            found,
        )

    def test_port_security_that_is_off_is_kept(self) -> None:
        """A firewall whose port has it on again forwards nothing."""
        for value in (False, True):
            (found,) = self.ports(
                fake.port("p1", raw={"port_security_enabled": value})
            )
            self.assertEqual(value, found["port_security_enabled"])


class SecurityGroupsTest(RecipeTest):
    def setUp(self) -> None:
        super().setUp()
        self.network.known_ports = [
            fake.port("p1", security_group_ids=("g1", "g2")),
            fake.port("p2", security_group_ids=("g1",)),
        ]
        for name in ("g1", "g2"):
            self.network.groups[name] = {
                "id": name,
                "name": f"name-{name}",
                "description": None,
                "security_group_rules": [],
            }

    def groups(self, *rules: dict[str, Any]) -> list[dict[str, Any]]:
        self.network.groups["g1"]["security_group_rules"] = list(rules)
        return self.capture().recipe["security_groups"]

    def test_each_group_once_with_its_rules(self) -> None:
        rule = {
            "id": "r1",
            "direction": "ingress",
            "ethertype": "IPv4",
            "protocol": "tcp",
            "port_range_min": 22,
            "port_range_max": 22,
            "remote_ip_prefix": None,
            "remote_group_id": "g2",
            "description": "",
            "revision_number": 3,
        }
        found = self.groups(rule)
        self.assertEqual(["g1", "g2"], [g["id"] for g in found])
        self.assertEqual("", found[0]["description"])
        kept = {k: rule[k] for k in recipe_networks.RULE_FIELDS}
        self.assertEqual([kept], found[0]["rules"])

    def test_a_rule_is_never_made_wider(self) -> None:
        """One that lets an address group in would let everybody in."""
        found = self.groups(
            {"direction": "ingress", "remote_address_group_id": "ag"},
            {"direction": "egress", "remote_address_group_id": None},
        )
        self.assertEqual(
            ["egress"], [r["direction"] for r in found[0]["rules"]]
        )
        (warning,) = self.capture().warnings
        self.assertIn("name-g1", warning)
        self.assertIn("address group", warning)


class UserDataTest(base.TestCase):
    def test_passed_on_as_it_was_read(self) -> None:
        self.assertEqual(
            "I2Nsb3Vk", recipe.user_data_text({"user_data": "I2Nsb3Vk"})
        )
        self.assertIsNone(recipe.user_data_text({"user_data": None}))
        self.assertIsNone(recipe.user_data_text({}))

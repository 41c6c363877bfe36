# SPDX-License-Identifier: Apache-2.0
"""Names in mappings: proposed from both clouds, and held to them."""

from typing import Any

from protector import exception
from protector.db.api import resource_mappings
from protector.engine import mapping_names
from protector.tests import base
from protector.tests.unit.engine import fake_project as fake


class NamesCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.other = fake.Project(), fake.Project("p-there")


class ProposeTest(NamesCase):
    def propose(self, *keypairs: str, forward: bool = True) -> Any:
        return mapping_names.propose(self.one, self.other, forward, keypairs)

    def names(self, kind: str, *keypairs: str, **values: bool) -> list[str]:
        found = self.propose(*keypairs, **values)[kind]
        self.assertTrue(all(p["primary"] == p["secondary"] for p in found))
        return [p["primary"] for p in found]

    def test_every_kind_has_its_pairs_of_equal_names(self) -> None:
        self.one.network.known_networks = _rows("b", "a", "only", "")
        self.other.network.known_networks = _rows("a", "b", "x", "")
        self.one.network.groups = {"1": {"id": "1", "name": "web"}}
        self.other.network.groups = {"2": {"id": "2", "name": "web"}}
        self.one.compute.zones = ["nova"]
        self.other.compute.zones = ["nova", "az2"]
        self.assertEqual(["a", "b"], self.names("networks"))
        self.assertEqual(["m1"], self.names("flavors"))
        self.assertEqual(["web"], self.names("security_groups"))
        self.assertEqual(["nova"], self.names("availability_zones"))
        self.assertEqual(set(resource_mappings.KINDS), set(self.propose()))

    def test_a_name_that_tells_two_is_none(self) -> None:
        self.one.network.known_networks = _rows("net")
        self.other.network.known_networks = _rows("net", "net")
        self.assertEqual([], self.names("networks"))

    def test_keypairs_of_the_members_that_the_target_has(self) -> None:
        self.one.compute.own_keys = ["ops", "here"]
        self.other.compute.own_keys = ["ops", "dba", "there"]
        wanted = ("ops", "here", "mine")
        self.assertEqual(["ops"], self.names("keypairs", *wanted))
        self.assertEqual(
            ["here", "ops"], self.names("keypairs", *wanted, forward=False)
        )


class CheckTest(NamesCase):
    def setUp(self) -> None:
        super().setUp()
        self.one.network.known_networks = _rows("net", "twin", "twin")
        self.one.network.known_subnets = [
            {"id": "s1", "name": "sub", "network_id": "id-0"},
            {"id": "s2", "name": "sub", "network_id": "id-1"},
        ]

    def check(self, **mappings: Any) -> None:
        mapping_names.check("primary", "site-a", self.one, mappings)

    def refused(self, field: str, **mappings: Any) -> str:
        error = self.assertRaises(
            exception.InvalidReference, self.check, **mappings
        )
        self.assertEqual((400, field), (error.code, error.details["field"]))
        self.assertTrue(error.message.startswith(f"{field}: "))
        self.assertIn("site-a", error.message)
        return error.message

    def test_names_and_ids_of_every_kind(self) -> None:
        self.one.network.groups = {"1": {"id": "1", "name": "web"}}
        self.one.compute.zones = ["az1"]
        self.one.compute.own_keys = ["ops"]
        for kind, names in (
            ("networks", ("net", "id-0", "id-1")),
            ("flavors", ("m1", "f1")),
            ("security_groups", ("web", "1")),
            ("availability_zones", ("az1",)),
            ("keypairs", ("ops",)),
        ):
            self.check(**{kind: [_pair(name) for name in names]})
            message = self.refused(
                f"{kind}[1].primary", **{kind: [_pair(names[0]), _pair("x")]}
            )
            self.assertIn(kind.replace("_", " "), message)

    def test_the_other_side_is_not_looked_at(self) -> None:
        self.check(networks=[{"primary": "net", "secondary": "anything"}])

    def test_a_name_that_several_have(self) -> None:
        message = self.refused("networks[0].primary", networks=[_pair("twin")])
        self.assertIn("2 networks", message)

    def test_the_networks_of_drills(self) -> None:
        pair = _pair("net") | {"primary_test": "id-1", "secondary_test": "x"}
        self.check(networks=[pair])
        pair["primary_test"] = "none"
        self.refused("networks[0].primary_test", networks=[pair])

    def test_subnets_are_those_of_the_network(self) -> None:
        """Of two with one name only one is on it."""
        pair = _pair("net") | {"subnets": [_pair("sub"), _pair("s1")]}
        self.check(networks=[pair])
        pair["subnets"].append(_pair("s2"))
        self.refused("networks[0].subnets[2].primary", networks=[pair])

    def test_boot_tiers_name_nothing_of_a_cloud(self) -> None:
        self.check(boot_tiers=[{"members": ["m"]}])


def _rows(*names: str) -> list[dict[str, Any]]:
    return [{"id": f"id-{n}", "name": name} for n, name in enumerate(names)]


def _pair(name: str) -> dict[str, Any]:
    return {"primary": name, "secondary": "there"}

# SPDX-License-Identifier: Apache-2.0
"""Which object at the target stands for one at the source."""

from typing import Any

from protector import exception
from protector.engine import mapping
from protector.tests import base
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene

PAIR = {"primary": "net-a", "secondary": "net-b"}
NETWORKS = [
    {"id": "1", "name": "net"},
    {"id": "2", "name": "twin"},
    {"id": "3", "name": "twin"},
    {"id": "4", "name": "2"},
]


class MapperTest(base.TestCase):
    def mapper(
        self, site_id: str = fake_scene.THERE, **mappings: Any
    ) -> mapping.Mapper:
        scene = fake_scene.make(mappings=mappings)
        return mapping.Mapper(scene, site_id)

    def network(self, name: str, pairs: Any = (), source_id: str = "s") -> Any:
        port = fake_scene.port(network_id=source_id, network_name=name)
        mapper = self.mapper(networks=list(pairs))
        return mapper.network(port, NETWORKS)["id"]

    def refused(self, call: Any, *args: Any) -> str:
        error = self.assertRaises(exception.PreflightFailed, call, *args)
        self.assertIn("ap ", error.remedy)
        return error.message

    def test_a_pair_reads_both_ways(self) -> None:
        there = self.mapper(networks=[PAIR])
        here = self.mapper(fake_scene.HERE, networks=[PAIR])
        self.assertEqual("net-b", there.wanted("networks", "x", "net-a"))
        self.assertIsNone(there.wanted("networks", "net-b"))
        self.assertEqual("net-a", here.wanted("networks", "net-b"))
        self.assertIsNone(here.wanted("networks", "net-a"))
        self.assertIsNone(there.wanted("flavors", "net-a"))

    def test_subnets_turn_with_the_direction(self) -> None:
        pair = PAIR | {"subnets": [{"primary": "sa", "secondary": "sb"}]}
        self.assertEqual(
            [{"source": "sa", "target": "sb"}],
            self.mapper(networks=[pair]).subnets("net-a"),
        )
        here = self.mapper(fake_scene.HERE, networks=[pair])
        self.assertEqual(
            [{"source": "sb", "target": "sa"}], here.subnets("net-b")
        )
        self.assertEqual([], here.subnets("net-x"))
        self.assertEqual([], self.mapper(networks=[PAIR]).subnets("net-a"))

    # -- networks

    def test_the_network_of_the_same_name(self) -> None:
        self.assertEqual("1", self.network("net"))

    def test_a_mapped_network_by_id_or_name(self) -> None:
        for source in ("s", "lan"):
            pair = {"primary": source, "secondary": "3"}
            self.assertEqual("3", self.network("lan", [pair]))
        pair = {"primary": "lan", "secondary": "net"}
        self.assertEqual("1", self.network("lan", [pair]))

    def test_the_mapping_wins_over_the_name(self) -> None:
        pair = {"primary": "net", "secondary": "3"}
        self.assertEqual("3", self.network("net", [pair]))

    def test_an_id_wins_over_a_name_that_looks_like_it(self) -> None:
        self.assertEqual("2", self.network("2"))

    def test_no_network(self) -> None:
        message = self.refused(self.network, "lan")
        self.assertIn("no network lan", message)
        pair = {"primary": "net", "secondary": "gone"}
        self.assertIn("gone", self.refused(self.network, "net", [pair]))

    def test_a_name_that_two_networks_have(self) -> None:
        self.assertIn("2 network twin", self.refused(self.network, "twin"))

    def test_at_home_nothing_is_mapped(self) -> None:
        """The recipe names the very object; a pair may swap two names."""
        pairs = [
            {"primary": "net", "secondary": "twin"},
            {"primary": "twin", "secondary": "net"},
        ]
        self.assertEqual("2", self.network("twin", pairs, source_id="2"))
        group = {"id": "g2", "name": "web"}
        known = [{"id": "g1", "name": "web"}, {"id": "g2", "name": "web"}]
        mapper = self.mapper(
            security_groups=[{"primary": "web", "secondary": "g1"}]
        )
        found = mapper.security_group(group, known)
        self.assertEqual("g2", found and found["id"])

    # -- flavors

    def flavor(self, flavors: Any, pairs: Any = (), **recipe: Any) -> Any:
        given = dict(fake.FLAVOR) | recipe
        mapper = self.mapper(flavors=list(pairs))
        return mapper.flavor({"flavor": given}, flavors).id

    def test_the_flavor_of_the_same_name_and_size(self) -> None:
        known = [fake.flavor("f9", "m9"), fake.flavor("f1", "m1")]
        self.assertEqual("f1", self.flavor(iter(known)))

    def test_the_same_name_but_another_size_is_refused(self) -> None:
        for size in ("vcpus", "ram", "disk", "ephemeral"):
            known = [fake.flavor("f1", "m1", **{size: 77})]
            message = self.refused(self.flavor, known)
            self.assertIn("m1", message)

    def test_a_mapped_flavor_may_have_any_size(self) -> None:
        known = [fake.flavor("f1", "m1"), fake.flavor("f2", "xl", ram=9)]
        for wanted in ("f2", "xl"):
            pair = {"primary": "m1", "secondary": wanted}
            self.assertEqual("f2", self.flavor(known, [pair]))

    def test_a_flavor_whose_name_is_anothers_id(self) -> None:
        known = [fake.flavor("f1", "f2"), fake.flavor("f2", "m2")]
        pair = {"primary": "m1", "secondary": "f2"}
        self.assertEqual("f2", self.flavor(known, [pair]))

    def test_no_flavor(self) -> None:
        self.assertIn("m1", self.refused(self.flavor, []))
        pair = {"primary": "m1", "secondary": "xl"}
        known = [fake.flavor("f1", "m1")]
        self.assertIn("xl", self.refused(self.flavor, known, [pair]))

    # -- the rest

    def test_security_groups_keep_their_name(self) -> None:
        group = {"id": "g1", "name": "web"}
        web, front = ({"id": n, "name": n} for n in ("web", "front"))
        plain = self.mapper()
        self.assertEqual(web, plain.security_group(group, [front, web]))
        self.assertIsNone(plain.security_group(group, [front]))
        for source in ("g1", "web"):
            pairs = [{"primary": source, "secondary": "front"}]
            mapper = self.mapper(security_groups=pairs)
            self.assertEqual(front, mapper.security_group(group, [web, front]))
            message = self.refused(mapper.security_group, group, [web])
            self.assertIn("no security group front", message)

    def test_a_zone_only_when_it_is_mapped(self) -> None:
        pairs = [{"primary": "az1", "secondary": "az2"}]
        mapper = self.mapper(availability_zones=pairs)
        self.assertEqual("az2", mapper.availability_zone("az1"))
        self.assertIsNone(mapper.availability_zone("az9"))
        self.assertIsNone(mapper.availability_zone(None))

    # -- subnets and keypairs

    def test_the_mapped_subnet_of_an_address(self) -> None:
        pair = PAIR | {"subnets": [{"primary": "sa", "secondary": "sb"}]}
        mapper = self.mapper(networks=[pair])
        port = fake_scene.port(network_id="s", network_name="net-a")
        rows = [{"id": "9", "name": "sb"}, {"id": "8", "name": "other"}]
        for source in ({"subnet_id": "sa"}, {"subnet_name": "sa"}):
            self.assertEqual("9", mapper.subnet(port, source, rows)["id"])
        self.assertIsNone(mapper.subnet(port, {"subnet_id": "sz"}, rows))
        sa = {"subnet_id": "sa", "subnet_name": "name-a"}
        message = self.refused(mapper.subnet, port, sa, rows[1:])
        self.assertIn("no subnet sb", message)

    def test_a_keypair_only_when_it_is_mapped(self) -> None:
        pairs = [{"primary": "ops", "secondary": "dr-ops"}]
        mapper = self.mapper(keypairs=pairs)
        self.assertEqual("dr-ops", mapper.keypair("ops"))
        self.assertIsNone(mapper.keypair("mine"))

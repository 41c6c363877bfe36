# SPDX-License-Identifier: Apache-2.0
"""A server from its recipe: hints, server group, keypair."""

from typing import Any

from protector.db import models
from protector.engine import build
from protector.tests.unit.engine import arrival_case

KEY = {"name": "ops", "public_key": "ssh-rsa AAAA ops", "type": "ssh"}


class BuildTest(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        self.compute = self.there.compute

    def create(self, **values: Any) -> Any:
        self.change_member(recipe=arrival_case.recipe(**values))
        ctx = self.again()
        build.create_server(ctx, ctx.member)
        return self.compute.bodies[-1]

    def test_made_once(self) -> None:
        self.create()
        build.create_server(self.again(), self.ctx.member)
        self.assertEqual(1, len(self.compute.rows))

    def test_of_two_with_one_mark_the_older_is_used(self) -> None:
        self.create()
        rows = self.compute.rows
        (first,) = rows
        self.compute.create_server(self.compute.bodies[0])
        (second,) = set(rows) - {first}
        self.compute.rows = {second: rows[second], first: rows[first]}
        found = build.create_server(self.again(), self.ctx.member)
        self.assertEqual(first, found)
        self.assertEqual([second], self.residue())

    # -- hints

    def test_a_server_group_of_the_same_name_and_policy(self) -> None:
        wanted = {"name": "ha", "policy": "anti-affinity"}
        self.compute.create_server_group("ha", "affinity")
        self.create(server_group=wanted)
        made = self.compute.hints[0]["group"]
        self.assertEqual("anti-affinity", self.compute.groups[made]["policy"])
        self.assertEqual({"server_groups": [made]}, self.copy().made)
        self.compute.rows.clear()
        self.create(server_group=wanted)
        self.assertEqual(made, self.compute.hints[1]["group"])

    def test_hints_that_name_objects_of_the_source_are_left_out(self) -> None:
        self.create(hints={"group": "g", "same_host": ["s"], "rack": "r1"})
        self.assertEqual({"rack": "r1"}, self.compute.hints[0])

    # -- keypairs

    def test_a_key_of_the_operators_own_is_left_alone(self) -> None:
        self.compute.keys["ops"] = KEY["public_key"]
        body = self.create(keypair=KEY)
        self.assertTrue(body["key_name"].startswith("ops-"))
        build.forget_keys(self.again())
        self.assertEqual(["ops"], list(self.compute.keys))

    def map_key(self, name: str) -> None:
        pair = {"primary": "ops", "secondary": name}
        with self.runtime.db.writer() as session:
            session.add(
                models.ResourceMapping(
                    protection_group_id=self.group_id,
                    mappings={"keypairs": [pair]},
                    created_at=self.clock.now(),
                )
            )

    def test_the_mapped_key_is_used_and_kept(self) -> None:
        self.compute.keys["dr-ops"] = "ssh-rsa CCCC dr"
        self.map_key("dr-ops")
        self.assertEqual("dr-ops", self.create(keypair=KEY)["key_name"])
        build.forget_keys(self.again())
        self.assertEqual(["dr-ops"], list(self.compute.keys))

    def test_a_mapped_key_that_is_gone_does_not_stop_the_boot(self) -> None:
        self.map_key("dr-ops")
        name = self.create(keypair=KEY)["key_name"]
        self.assertEqual({name: KEY["public_key"]}, self.compute.keys)

    def test_a_key_of_another_name_is_imported(self) -> None:
        self.compute.keys["dr-ops"] = "ssh-rsa CCCC dr"
        self.map_key("dr-ops")
        body = self.create(keypair={**KEY, "name": "dba"})
        self.assertTrue(body["key_name"].startswith("dba-"))

    def test_another_operation_has_another_name(self) -> None:
        names = {build.key_name(i, KEY) for i in ("op-1", "op-2", "op-2")}
        self.assertEqual(2, len(names))

    def test_members_share_a_key_and_not_a_name(self) -> None:
        other = {**KEY, "public_key": "ssh-rsa BBBB ops"}
        self.create(keypair=KEY)
        self.compute.rows.clear()
        self.create(keypair=KEY)
        self.compute.rows.clear()
        self.create(keypair=other)
        self.assertEqual(2, len(self.compute.keys))

# SPDX-License-Identifier: Apache-2.0
"""What has to be made must fit into the quotas of each service."""

from protector.clients import types
from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case

HERE, THERE = fake_scene.HERE, fake_scene.THERE
Quota = types.Quota


class QuotasTest(preflight_case.PreflightCase):
    def test_quota_of_what_is_built(self) -> None:
        self.quota(
            types.Quota("instances", 10, 8, 1),
            types.Quota("cores", 100, 0, 97),
            types.Quota("ram", -1, 0, 0),
            types.Quota("other", 0, 0, 0),
        )
        messages = self.only("QuotaShort")
        self.assertEqual(2, len(messages))
        self.assertIn("instances at the target leaves 1", messages[0])
        self.assertIn("needs 2", messages[0])
        self.assertIn("cores at the target leaves 3", messages[1])
        self.assertIn("needs 4", messages[1])

    def test_just_enough_is_enough(self) -> None:
        self.quota(
            types.Quota("instances", 2, 0, 0),
            types.Quota("cores", 4, 0, 0),
            types.Quota("ram", 2048, 0, 0),
            types.Quota("volumes", 2, 0, 0),
            types.Quota("gigabytes", 20, 0, 0),
        )
        self.assertEqual([], self.findings())

    def test_what_is_there_already_costs_nothing(self) -> None:
        self.quota(
            *(
                types.Quota(name, 5, 5, 0)
                for name in (
                    "instances",
                    "cores",
                    "ram",
                    "volumes",
                    "gigabytes",
                )
            )
        )
        for member in self.members:
            name = member.instance_name
            member.copies.append(fake_scene.copy(THERE, f"t-{name}"))
            member.volumes.append(fake_scene.volume(THERE, name, 0))
        self.assertEqual([], self.findings())

    def test_a_prestaged_copy_without_a_server_is_still_to_be_built(
        self,
    ) -> None:
        self.quota(types.Quota("instances", 1, 0, 0))
        for member in self.members:
            member.copies.append(fake_scene.copy(THERE, None))
        self.assertEqual(1, len(self.only("QuotaShort")))

    def test_only_the_volumes_that_are_missing_count(self) -> None:
        web = self.members[0]
        web.volumes += [
            fake_scene.volume(HERE, "web", 1, 70),
            fake_scene.volume(THERE, "web", 0),
            fake_scene.volume(THERE, "web", 1, 70),
        ]
        self.members[1].volumes += [
            fake_scene.volume(HERE, "db", 1, 70),
            fake_scene.volume(THERE, "db", 1, 70),
        ]
        self.ctx.points = [self.point("e1", 0)]
        self.quota(
            types.Quota("volumes", 1, 0, 0),
            types.Quota("gigabytes", 10, 0, 0),
        )
        self.assertEqual([], self.findings())
        self.quota(types.Quota("gigabytes", 9, 0, 0))
        (message,) = self.only("QuotaShort")
        self.assertIn("needs 10", message)

    def test_a_volume_that_grew_needs_the_difference(self) -> None:
        web = self.members.pop(0)
        self.members = [web]
        web.volumes = [
            fake_scene.volume(HERE, "web", 0, 70),
            fake_scene.volume(THERE, "web", 0, 10),
        ]
        self.start()
        self.quota(Quota("gigabytes", 59, 0, 0))
        messages = [f.message for f in self.findings() if f.check == "volumes"]
        self.assertEqual(1, len(messages))
        self.assertIn("needs 60", messages[0])

    def test_cinders_limits_per_type_and_of_groups(self) -> None:
        self.ctx.scene.side(THERE).cinder_group_id = None
        self.quota(
            Quota("volumes_gold-there", 1, 0, 0),
            Quota("gigabytes_gold-there", 19, 0, 0),
            Quota("volumes_gold-here", 0, 0, 0),
            Quota("groups", 1, 1, 0),
        )
        messages = self.only("QuotaShort")
        self.assertEqual(3, len(messages))
        self.assertIn("volumes_gold-there", messages[0])
        self.assertIn("gigabytes_gold-there", messages[1])
        self.assertIn("groups", messages[2])

    def test_neutrons_limits(self) -> None:
        rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
        out = {"direction": "egress", "ethertype": "IPv4"}
        group = {"id": "sg1", "name": "web", "rules": [rule, out]}
        for member in self.members:
            # they share it
            member.recipe = {**member.recipe, "security_groups": [group]}
        self.target.network.limits = [
            Quota("port", 1, 0, 0),
            Quota("security_group", 1, 1, 0),
            # two that Neutron makes and one of ours
            Quota("security_group_rule", 2, 0, 0),
        ]
        messages = self.only("QuotaShort")
        self.assertEqual(3, len(messages))
        self.assertIn("needs 2", messages[0])
        self.assertIn("needs 1", messages[1])
        self.assertIn("needs 3", messages[2])
        self.target.network.groups["there"] = {"id": "there", "name": "web"}
        self.assertEqual(1, len(self.only("QuotaShort")))

    def test_a_floating_ip_is_best_effort(self) -> None:
        web = self.members[0]
        port = fake_scene.port(floating_ips=[{"address": "203.0.113.5"}])
        web.recipe = {**web.recipe, "ports": [port]}
        self.target.network.limits = [Quota("floatingip", 5, 5, 0)]
        (message,) = self.only("QuotaShort", "warning")
        self.assertIn("floatingip", message)

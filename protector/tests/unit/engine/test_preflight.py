# SPDX-License-Identifier: Apache-2.0
"""Preflight: everything that could stop a move, at once."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import preflight
from protector.storage import base as storage
from protector.tests import base
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene

HERE, THERE = fake_scene.HERE, fake_scene.THERE
WELL = storage.Status(True, "connected", True, True, 900, frozenset())


class Peer:
    def __init__(self) -> None:
        self.error: Exception | None = None

    def check(self, seconds: float) -> None:
        if self.error:
            raise self.error


class Context:
    """What preflight uses of its caller."""

    def __init__(self, *members: models.Member) -> None:
        self.scene = fake_scene.make(*members)
        self.projects = {HERE: fake.Project(), THERE: fake.Project()}
        for member in members:
            copy = member.copy(HERE)
            servers = self.projects[HERE].compute.servers
            servers[copy.server_id] = fake.server(copy.server_id)
        self.peer = Peer()
        self.told: Any = WELL
        self.driver = self
        self.conf: Any = self
        self.check_timeout = 1

    def tenant(self, site_id: str) -> fake.Project:
        return self.projects[site_id]

    def site(self, site_id: str) -> Any:
        assert site_id == HERE, "the peer is asked, not this site"
        return self

    def direction(self, source_site_id: str) -> str:
        if isinstance(self.told, Exception):
            raise self.told
        return f"from {source_site_id}"

    def status(self, direction: str) -> storage.Status:
        assert direction == "from here"
        return self.told


class PreflightTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.members = [fake_scene.member("web"), fake_scene.member("db")]
        self.start()

    def start(self) -> None:
        self.ctx = Context(*self.members)
        self.source = self.ctx.projects[HERE]
        self.target = self.ctx.projects[THERE]
        # conf.peer.check_timeout
        self.ctx.conf = type("Conf", (), {"peer": self.ctx})

    def as_recorded(self) -> None:
        """The clouds hold what the rows tell; what a test put there
        stays."""
        for member in self.members:
            for copy in member.copies:
                if copy.server_id and copy.site_id == THERE:
                    self.target.compute.servers.setdefault(
                        copy.server_id,
                        fake.server(
                            copy.server_id, status="SHELVED_OFFLOADED"
                        ),
                    )
            for row in member.volumes:
                self.ctx.projects[row.site_id].volume.rows.setdefault(
                    row.cinder_id, fake.volume(row.cinder_id, size=row.size_gb)
                )
            self.attach(
                member, *(v.cinder_id for v in member.volumes_at(HERE))
            )

    def attach(self, member: models.Member, *volume_ids: str) -> None:
        copy = member.copy(HERE)
        server_id = copy.server_id if copy else None
        attached = self.source.compute.attached
        known = {a.volume_id for a in attached}
        attached += [
            types.Attachment(server_id, i, None, None, False)
            for i in volume_ids
            if i not in known
        ]

    def findings(self, as_recorded: bool = True) -> list[dict[str, Any]]:
        if as_recorded:
            self.as_recorded()
        found = preflight.check(preflight.Look(self.ctx), HERE, THERE)
        for finding in found:
            self.assertEqual(
                {"check", "severity", "message", "fix"}, set(finding)
            )
            self.assertTrue(finding["message"] and finding["fix"])
        return found

    def only(
        self, check: str, severity: str = "error", as_recorded: bool = True
    ) -> list[str]:
        """The messages, all of one check."""
        found = self.findings(as_recorded)
        self.assertEqual(
            {(check, severity)}, {(f["check"], f["severity"]) for f in found}
        )
        return [f["message"] for f in found]

    def quota(self, *rows: types.Quota) -> None:
        self.target.compute.limits = list(rows)
        self.target.volume.limits = list(rows)

    def test_nothing_in_the_way(self) -> None:
        self.assertEqual([], self.findings())
        self.assertEqual([], self.source.changes + self.target.changes)

    def test_everything_at_once(self) -> None:
        self.ctx.peer.error = exception.PeerUnreachable("away")
        self.ctx.told = exception.ArrayUnavailable("no answer")
        self.source.compute.servers["s-web"] = fake.server(status="RESCUE")
        self.target.compute.known_flavors = []
        self.target.network.known_networks = []
        self.quota(types.Quota("volumes", 1, 0, 0))
        self.assertEqual(
            {
                "peer",
                "servers",
                "compute",
                "volumes",
                "networks",
                "replication",
            },
            {f["check"] for f in self.findings()},
        )

    def test_an_unreachable_cloud_is_a_finding(self) -> None:
        def away(*args: object) -> None:
            raise exception.CloudUnavailable("timed out")

        self.target.compute.flavors = away  # type: ignore[method-assign]
        self.assertEqual(["timed out"], self.only("compute"))

    def test_a_lost_lease_is_no_finding(self) -> None:
        self.ctx.peer.error = exception.LeaseLost("lost")
        self.assertRaises(exception.LeaseLost, self.findings)

    # -- members and servers

    def test_a_group_without_members(self) -> None:
        self.members = []
        self.start()
        (message,) = self.only("members")
        self.assertIn("no members", message)

    def test_members_that_stay_behind_are_told(self) -> None:
        for status in (c.MemberStatus.PROTECTING, c.MemberStatus.ERROR):
            self.members[1].status = status
            (message,) = self.only("members", "warning")
            self.assertIn("db", message)
            self.assertIn(status, message)

    def test_every_server_that_cannot_move_is_named(self) -> None:
        servers = self.source.compute.servers
        servers["s-web"] = fake.server("s-web", status="RESCUE")
        servers["s-db"] = fake.server("s-db", status="VERIFY_RESIZE")
        messages = self.only("servers")
        self.assertEqual(2, len(messages))
        self.assertIn("RESCUE", messages[0])
        self.assertIn("VERIFY_RESIZE", messages[1])

    def test_a_server_that_is_gone_does_not_hide_another(self) -> None:
        servers = self.source.compute.servers
        del servers["s-web"]
        servers["s-db"] = fake.server("s-db", status="RESCUE")
        messages = self.only("servers")
        self.assertEqual(2, len(messages))
        self.assertIn("s-web", messages[0])
        self.assertIn("RESCUE", messages[1])

    def test_a_member_without_a_server_is_named(self) -> None:
        self.members[0].copies = []
        self.ctx.scene = fake_scene.make(*self.members)
        (message,) = self.only("servers")
        self.assertIn("web", message)

    # -- what has to fit

    def test_quota_of_what_is_built(self) -> None:
        self.quota(
            types.Quota("instances", 10, 8, 1),
            types.Quota("cores", 100, 0, 97),
            types.Quota("ram", -1, 0, 0),
            types.Quota("other", 0, 0, 0),
        )
        messages = self.only("compute")
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
        self.assertEqual(1, len(self.only("compute")))

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
        self.quota(
            types.Quota("volumes", 1, 0, 0),
            types.Quota("gigabytes", 10, 0, 0),
        )
        self.assertEqual([], self.findings())
        self.quota(types.Quota("gigabytes", 9, 0, 0))
        (message,) = self.only("volumes")
        self.assertIn("needs 10", message)

    def test_every_flavor_that_is_missing_is_named(self) -> None:
        for member in self.members:
            flavor = {"original_name": f"for-{member.instance_name}"}
            member.recipe = {**member.recipe, "flavor": flavor}
        messages = self.only("compute")
        self.assertEqual(
            [True, True], ["for-web" in messages[0], "for-db" in messages[1]]
        )

    # -- networks

    def test_every_network_that_is_missing_is_named(self) -> None:
        for member in self.members:
            name = f"net-{member.instance_name}"
            ports = [fake_scene.port(network_name=name)]
            member.recipe = {**member.recipe, "ports": ports}
        messages = self.only("networks")
        self.assertEqual(2, len(messages))
        self.assertIn("net-web", messages[0])
        self.assertIn("net-db", messages[1])

    def test_a_mac_that_another_port_has(self) -> None:
        self.members.pop()
        self.start()
        self.target.network.known_ports = [
            fake.port("p1"),
            fake.port("mine", description="protector:m-web:0"),
            fake.port("elsewhere", network_id="n2"),
            fake.port("other-mac", mac_address="fa:16:3e:00:00:02"),
        ]
        (message,) = self.only("networks")
        self.assertIn("port p1", message)
        self.assertIn("fa:16:3e:00:00:01", message)

    def test_ports_that_are_made_are_not_looked_for(self) -> None:
        self.target.network.known_networks = []
        for member in self.members:
            member.copies.append(
                fake_scene.copy(THERE, "t", ports=[{"id": "p"}])
            )
        self.assertEqual([], self.findings())

    # -- what changed behind the rows

    def test_a_volume_attached_later_is_not_protected(self) -> None:
        self.attach(self.members[0], "v-new")
        (message,) = self.only("drift")
        self.assertIn("v-new", message)

    def test_a_volume_left_out_by_choice_is_no_drift(self) -> None:
        web = self.members[0]
        web.recipe = {**web.recipe, "left_out": ["v-scratch"]}
        self.attach(web, "v-scratch")
        self.assertEqual([], self.findings())

    def test_a_volume_that_was_detached_is_told(self) -> None:
        self.as_recorded()
        self.source.compute.attached.pop()
        (message,) = self.only("drift", "warning", as_recorded=False)
        self.assertIn("here-db-0", message)

    def parked(self, **values: Any) -> None:
        web = self.members[0]
        web.copies.append(fake_scene.copy(THERE, "t-web"))
        web.volumes.append(fake_scene.volume(THERE, "web", 0))
        self.as_recorded()
        given = {"status": "SHELVED_OFFLOADED"} | values
        self.target.compute.servers["t-web"] = fake.server("t-web", **given)

    def test_a_parked_server_that_is_gone_is_built_anew(self) -> None:
        self.parked()
        del self.target.compute.servers["t-web"]
        messages = self.only("copies", "warning", as_recorded=False)
        self.assertIn("built anew", self.findings(False)[0]["fix"])
        self.assertIn("t-web", messages[0])

    def test_a_parked_server_that_is_broken_or_in_use(self) -> None:
        for status in ("ERROR", "ACTIVE"):
            self.start()
            self.parked(status=status)
            (message,) = self.only("copies")
            self.assertIn(status, message)

    def test_what_we_can_mend_is_no_finding(self) -> None:
        for values in (
            {"status": "ERROR", "metadata": {"protector_member": "m-web"}},
            {
                "status": "SHUTOFF",
                "locked": True,
                "locked_reason": "protector:op-0:ACTIVE",
            },
        ):
            self.start()
            self.parked(**values)
            self.assertEqual([], self.findings())

    def test_a_copy_that_is_gone_or_broken(self) -> None:
        self.parked()
        rows = self.target.volume.rows
        rows["there-web-0"] = fake.volume("there-web-0", status="error")
        self.only("copies", as_recorded=False)
        del rows["there-web-0"]
        (message,) = self.only("copies", "warning", as_recorded=False)
        self.assertIn("is gone", message)

    def grown(self, status: str, **values: Any) -> None:
        self.parked(**values)
        self.source.volume.rows["here-web-0"] = fake.volume(
            "here-web-0", size=70
        )
        self.target.volume.rows["there-web-0"] = fake.volume(
            "there-web-0", status=status
        )

    def test_a_volume_that_grew(self) -> None:
        for status, values, severity, word in (
            ("available", {}, "warning", "extended"),
            (
                "reserved",
                {"metadata": {"protector_member": "m-web"}},
                "warning",
                "built anew",
            ),
            ("reserved", {}, "error", "does not extend"),
        ):
            self.start()
            self.grown(status, **values)
            (message,) = self.only("copies", severity)
            self.assertIn(word, message)

    # -- replication

    def test_what_the_arrays_say(self) -> None:
        for told, word in (
            (
                storage.Status(
                    True, "disconnected", True, True, 1, WELL.volumes
                ),
                "disconnected",
            ),
            (
                storage.Status(
                    True, "connected", False, True, 1, WELL.volumes
                ),
                "take transfers",
            ),
            (
                storage.Status(
                    False, "connected", True, True, 1, WELL.volumes
                ),
                "no group of",
            ),
        ):
            self.ctx.told = told
            (message,) = self.only("replication")
            self.assertIn(word, message)

# SPDX-License-Identifier: Apache-2.0
"""A move in memory that nothing stops, until a test puts something in its
way."""

from typing import Any

from protector.clients import types
from protector.db import models
from protector.engine import finding, preflight
from protector.storage import base as storage
from protector.tests import base
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene, fakes

HERE, THERE = fake_scene.HERE, fake_scene.THERE
WELL = storage.Status(True, "connected", True, True, 900, frozenset())


class Peer:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.versions = {"min_api": "1.0", "api": "1.2"}

    def check(self, seconds: float) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {"versions": self.versions}


class Site:
    """:param peer: None at the site that asks."""

    def __init__(self, peer: Peer | None, ctx: "Context", site_id: str):
        self.peer = peer
        self.service = ctx.projects[site_id]


def point(
    suffix: str, minutes: float, members: Any = (), **values: Any
) -> storage.Point:
    """A point of the members' volumes; ``minutes`` from now."""
    names = [v.array_volume for m in members for v in m.volumes_at(HERE)]
    return fakes.point("g", suffix, minutes, names, **values)


class Context:
    """What preflight uses of its caller."""

    def __init__(self, *members: models.Member, **scene: Any) -> None:
        self.scene = fake_scene.make(*members, **scene)
        self.projects = {HERE: fake.Project(), THERE: fake.Project()}
        for member in members:
            copy = member.copy(HERE)
            servers = self.projects[HERE].compute.servers
            servers[copy.server_id] = fake.server(copy.server_id)
        self.peer = Peer()
        self.told: Any = WELL
        self.points = [point("e1", 0, members=members)]
        self.driver = self
        self.clock = fakes.Clock()
        self.spaces: dict[str, storage.Space] = {}
        self.conf: Any = self
        self.check_timeout = 1

    def tenant(self, site_id: str) -> fake.Project:
        return self.projects[site_id]

    def site(self, site_id: str) -> Any:
        return Site(self.peer if site_id == HERE else None, self, site_id)

    def direction(self, source_site_id: str) -> str:
        if isinstance(self.told, Exception):
            raise self.told
        return f"from {source_site_id}"

    def array(self, site_id: str) -> Any:
        name = f"array-{site_id}"
        return storage.Array(name, "", "", None, True, None, None)

    def space(self, array: storage.Array) -> storage.Space | None:
        return self.spaces.get(array.name)

    def known_epochs(self) -> dict[str, int]:
        return {}

    def list_points(self, direction: str) -> list[storage.Point]:
        assert direction == "from here"
        return self.points

    def status(self, direction: str) -> storage.Status:
        assert direction == "from here"
        return self.told


class PreflightCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.members = [fake_scene.member("web"), fake_scene.member("db")]
        self.start()

    def start(self, **scene: Any) -> None:
        self.ctx = Context(*self.members, **scene)
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
                    row.cinder_id,
                    fake.volume(
                        row.cinder_id, size=row.size_gb, server_ids=()
                    ),
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

    def findings(
        self, as_recorded: bool = True, intent: Any = preflight.PLANNED
    ) -> list[finding.Finding]:
        if as_recorded:
            self.as_recorded()
        found = preflight.check(self.ctx, HERE, THERE, intent)
        ids = {None, *(m.id for m in self.members)}
        for one in found:
            self.assertTrue(one.check and one.message and one.fix, one)
            self.assertIn(one.member, ids)
        return found

    def only(
        self, code: str, severity: str = "error", as_recorded: bool = True
    ) -> list[str]:
        """The messages, all of one code."""
        found = self.findings(as_recorded)
        self.assertEqual(
            {(code, severity)}, {(f.code, f.severity) for f in found}
        )
        return [f.message for f in found]

    def quota(self, *rows: types.Quota) -> None:
        self.target.compute.limits = list(rows)
        self.target.volume.limits = list(rows)

    def point(self, suffix: str, minutes: float, **values: Any) -> Any:
        given = {"members": self.members} | values
        return point(suffix, minutes, **given)

# SPDX-License-Identifier: Apache-2.0
"""Two sites in this process, with clouds and arrays in memory; a scenario
begins where one group is protected and replicates.

What happens to them is the machine's.
"""

import copy
import gc
import pathlib
import random
from typing import Any
import uuid

import fixtures
import sqlalchemy as sa

from protector import constants as c
from protector.db import models
from protector.tests.fixtures import site_runtime
from protector.tests.model import arrays, cloud, dead_site, links, sim
from protector.tests.model import site as sites

Json = dict[str, Any]
SERVERS = (("web", 2), ("db", 1))
MAPPINGS = {
    "networks": [
        {
            "primary": "net1",
            "secondary": "net1",
            "primary_test": "test-net1",
            "secondary_test": "test-net1",
        }
    ]
}
MIRROR_SECONDS = 30.0
PATCHED = {
    "protector.engine.service.MIRROR_INTERVAL": MIRROR_SECONDS,
    # gives way to threads that there are not
    "oslo_db.sqlalchemy.engines._thread_yield": lambda *args: None,
}
_HOUR = 3600.0


class Stuck(AssertionError):
    """Something has no end."""


class Bed(fixtures.Fixture):
    """``sites``, ``clouds`` by letter, ``arrays``, ``links``, ``sim``: each
    but the sites is another one in each scenario.

    :ivar servers: ids of the tenant's servers at site a, by name.
    """

    sim: sim.Sim
    arrays: arrays.Arrays
    clouds: dict[str, cloud.Cloud]
    links: links.Links

    def _setUp(self) -> None:
        self.useFixture(sim.Seams(lambda: self.sim))
        self.useFixture(dead_site.Paths(lambda: self.sim))
        # not what a scenario begins with: it would make the same ids again
        self._random = random.Random("bed")  # noqa: S311 - no secret
        self.useFixture(fixtures.MonkeyPatch("uuid.uuid4", self._uuid))
        for name, value in PATCHED.items():
            self.useFixture(fixtures.MonkeyPatch(name, value))
        self._root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.witnesses: list[Any] = []
        self.held: dict[str, tuple[int, Any]] = {}
        self._unfinished: tuple[list[int], list[str]] = ([], [])
        self.sites: dict[str, sites.Site] = {}
        self._place()
        # no file of rules changes here
        path = "oslo_policy.policy.Enforcer.load_rules"
        self.useFixture(fixtures.MonkeyPatch(path, lambda *args: None))
        self._fresh(arrays.Arrays(), None)
        self._protect()
        self._keep()
        self.addCleanup(self.end)
        # what lives until the end is not looked through again and again
        gc.freeze()
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(20_000, 50, 50)

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)

    def _place(self) -> None:
        peer = None
        for letter in "ab":
            path = self._root / f"{letter}.sqlite"
            peer = self.useFixture(
                site_runtime.SiteRuntime(f"sqlite:///{path}", peer)
            )
            with peer.runtime.db.writer() as session:
                session.add(_tenants(letter, peer))
            self.sites[letter] = sites.Site(self, letter, peer, path)

    def _fresh(
        self, world: arrays.Arrays, found: dict[str, cloud.Cloud] | None
    ) -> None:
        self.arrays = world
        self.links = links.Links()
        self.clouds = found or {
            letter: cloud.Cloud(letter, world.arrays[letter])
            for letter in "ab"
        }
        self.sim = sim.Sim(self._passing)
        for site in self.sites.values():
            site.fate = sites.Fate(site)
            site.manager = None
            site.life = None
            site.lives = []
            site.backup = None
            site.tells = False

    def _passing(self, until: float) -> float:
        """What happens by itself on the way there; how far it is."""
        now = min(until, self.arrays.due())
        self.arrays.happen(now)
        return max(now, self.sim.now)

    def witness(
        self, here: str, there: str, name: str, args: tuple[Any, ...]
    ) -> None:
        for each in self.witnesses:
            each.saw(here, there, name, args)

    def calls(self, here: str, there: str, kind: str) -> None:
        for each in self.witnesses:
            each.called(here, there, kind)

    # -- the beginning of all scenarios

    def _protect(self) -> None:
        a = self.sites["a"]
        home = self.clouds["a"]
        self.servers = {
            name: home.boot(name, number + 10, disks)
            for number, (name, disks) in enumerate(SERVERS)
        }
        self.start()
        self.run(60)
        group = self._done(
            a.ask(
                "POST",
                "/protection-groups",
                {
                    "protection_group": {
                        "name": "group",
                        "replication_type": "async",
                        "primary_site_id": a.site_id,
                        "secondary_site_id": self.sites["b"].site_id,
                        "volume_type_id": f"t1-{a.letter}",
                    }
                },
            )
        )["protection_group"]
        self.group_id: str = group["id"]
        path = f"/protection-groups/{self.group_id}"
        self.settle()
        self._done(a.ask("PUT", f"{path}/mappings", {"mappings": MAPPINGS}))
        self.settle()
        member = {"instance_id": self.servers["web"]}
        self._done(a.ask("POST", f"{path}/members", {"member": member}))
        self.settle()
        self._done(a.ask("POST", f"{path}/action", {"replicate": {}}))
        self.settle()
        self.until("the group is ready", self._ready)

    def _done(self, answer: tuple[int, Any]) -> Any:
        status, body = answer
        if status >= 300:
            raise AssertionError(f"{status}: {body}")
        return body

    def _ready(self) -> bool:
        return all(
            found.holds(c.Condition.FAILOVER_READY)
            and found.holds(c.Condition.METADATA_IN_SYNC)
            for found in (Shown(self, letter) for letter in "ab")
        )

    def _keep(self) -> None:
        self.stop()
        self._begin = self.sim.now
        self._world = (self.arrays, self.clouds)
        for letter, site in self.sites.items():
            site.save(self._root / f"{letter}.begin")

    # -- scenarios

    def begin(self, seed: int) -> None:
        """Everything is as it was when the group was protected."""
        self._random.seed(seed)
        self._fresh(*copy.deepcopy(self._world))
        self.sim.now = self._begin
        self.servers = dict(self.servers)
        for letter, site in self.sites.items():
            site.load(self._root / f"{letter}.begin")
        self.start()

    def end(self) -> None:
        self.sim.end()

    def start(self) -> None:
        for site in self.sites.values():
            site.start()

    def stop(self) -> None:
        for site in self.sites.values():
            site.kill()
        self.sim.reap()

    def run(self, seconds: float) -> None:
        self.sim.run(lambda: False, seconds)

    def until(self, what: str, look: Any, seconds: float = 4 * _HOUR) -> None:
        """:raises Stuck: it does not come true."""
        end = self.sim.now + seconds
        while not look():
            if self.sim.now >= end:
                raise Stuck(f"never: {what}")
            self.run(15)

    def settle(self, seconds: float = 4 * _HOUR) -> None:
        """Every operation has ended."""
        self.until("every operation ends", lambda: not self.busy(), seconds)

    def busy(self) -> list[str]:
        """Ids of operations that have not ended."""
        changes = [site.changes for site in self.sites.values()]
        if self._unfinished[0] != changes:
            self._unfinished = changes, self._read_unfinished()
        return self._unfinished[1]

    def _read_unfinished(self) -> list[str]:
        op = models.Operation
        found: list[str] = []
        for site in self.sites.values():
            statement = sa.select(op.id).where(
                op.status.in_(c.UNFINISHED),
                op.executor_site_id == site.site_id,
            )
            with site.runtime.db.reader() as session:
                found += session.scalars(statement)
        return found

    def lose(self, letter: str) -> None:
        """A site with its engine; its guests run on, and nobody knows."""
        self.sites[letter].kill()
        self.sim.reap()
        self.links.dark = {letter}
        self.arrays.link(self.links.arrays, self.sim.now)

    def find(self) -> None:
        """What was lost is reached again."""
        self.links.dark.clear()
        self.arrays.link(self.links.arrays, self.sim.now)

    def restore(self, letter: str) -> bool:
        """The database of a site goes back in time; whether it had a
        backup."""
        site = self.sites[letter]
        if site.backup is None or self.links.dark:
            return False
        site.kill()
        self.sim.reap()
        site.load(site.backup)
        site.start()
        return True

    def cut(self, *kinds: str) -> None:
        """Only these ways between the sites lead nowhere."""
        self.links.cut = set(kinds)
        self.arrays.link(self.links.arrays, self.sim.now)


class Shown:
    """The group as a site shows it; empty where there is none."""

    def __init__(self, bed: Bed, letter: str) -> None:
        path = f"/protection-groups/{bed.group_id}"
        status, body = bed.sites[letter].ask("GET", path)
        self.body: Json = body["protection_group"] if status == 200 else {}

    def holds(self, kind: str) -> bool:
        return any(
            found["type"] == kind and found["status"] is True
            for found in self.body.get("conditions", ())
        )

    def reason(self, kind: str) -> str | None:
        """Of a condition, if there is one."""
        found = self.body.get("conditions", ())
        return next((f["reason"] for f in found if f["type"] == kind), None)

    @property
    def allowed(self) -> list[str]:
        found: list[str] = self.body.get("allowed_actions", [])
        return found


def _tenants(
    letter: str, fixture: site_runtime.SiteRuntime
) -> models.TenantMapping:
    other = "b" if letter == "a" else "a"
    return models.TenantMapping(
        id=str(uuid.uuid4()),
        local_project_id=f"p-{letter}",
        remote_site_id=fixture.peer_id,
        remote_project_id=f"p-{other}",
        created_at=site_runtime.NOW,
    )

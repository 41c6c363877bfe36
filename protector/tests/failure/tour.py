# SPDX-License-Identifier: Apache-2.0
"""What users do on a bed while engines die, and what must be true after.

Each operation goes to its end by itself; then the inventories of clouds and
arrays, the content of the volumes and what both sites say are compared.
"""

import collections
from collections.abc import Callable, Iterator
import contextlib
import time
from typing import Any, NoReturn

import fixtures
import requests

from protector import constants as c
from protector.db import models
from protector.sandbox import evidence, guests
from protector.tests import base
from protector.tests.failure import bed, counts, kills, mortal

PAGES = ((64, 2), (8192, 1))
NETWORKS = {
    "primary": "net1",
    "secondary": "net1",
    "primary_test": "test-net1",
    "secondary_test": "test-net1",
}
# by the name of the volume on its array
Digests = dict[str, str]


class Tour(base.TestCase):
    DEFAULT_TIMEOUT = 900
    MATRIX = "kill"
    REPLICATION_TYPE: str = c.ReplicationType.ASYNC
    VOLUME_TYPE = "replicated-ssd"
    # seconds for what both sites do by themselves
    PATIENCE = 60

    def setUp(self) -> None:
        super().setUp()
        self.bed = self.make_bed()
        self.a, self.b = (
            self.bed.clients[name].protector for name in ("site-a", "site-b")
        )
        self.guests = guests.Guests()
        self.rows: list[list[str]] = []
        self.violations: list[str] = []
        self.addCleanup(self._save)
        # what the round is about, and at which moments engines die
        self.kind: str | None = None
        self.kinds: tuple[str, ...] = ()
        self.group_id = ""

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed())

    def _save(self) -> None:
        counts.save(self.MATRIX, self.id(), self.rows, self.violations)

    # -- what users do

    def carry_out(
        self, at: Any, verb: str, start: Callable[[], Any], name: str = ""
    ) -> models.Operation:
        """Bring an operation to its end; its engine meets what this round
        is about.

        :param name: of the workflow, if it is not the verb's.
        """
        name = name or verb
        plan = self.plan(name)
        ended = self.attempt(at, verb, start, name, plan)
        if ended.status != "completed":
            self.violated(f"{name} completes", bed.described(ended), plan)
        return ended

    def attempt(
        self,
        at: Any,
        verb: str,
        start: Callable[[], Any],
        name: str,
        plan: mortal.Plan,
    ) -> models.Operation:
        """Bring an operation to whatever end it has."""
        with self._ends(name, plan):
            return self.site(at).carry_out(verb, start, plan)

    def retry(
        self, at: Any, ended: models.Operation, plan: mortal.Plan
    ) -> models.Operation:
        """Begin an operation that failed again."""
        with self._ends(ended.kind, plan):
            return self.site(at).carry_on(
                ended, lambda: at.retry_operation(ended.id), plan
            )

    @contextlib.contextmanager
    def _ends(self, name: str, plan: mortal.Plan) -> Iterator[None]:
        try:
            yield
        except bed.Stuck as e:
            self.violated(f"{name} ends", e, plan)
        finally:
            # the cases of an earlier attempt are told with it
            fresh = [r for r in plan.cases(name) if r not in self.rows]
            self.rows += fresh

    def site(self, at: Any) -> bed.Site:
        return self.bed.a if at is self.a else self.bed.b

    def plan(self, name: str) -> mortal.Plan:
        """What the engine of an operation meets: it dies at each moment of
        the round's kinds."""
        return kills.Kills(*self.kinds)

    def run_verb(
        self, verb: str, at: Any, name: str = "", **args: Any
    ) -> models.Operation:
        return self.carry_out(
            at,
            verb,
            lambda: at.run_protection_group(self.group_id, verb, **args),
            name,
        )

    def create(self) -> None:
        ended = self.carry_out(self.a, c.Verb.CREATE, self.make)
        self.group_id = str(ended.protection_group_id)

    def make(self) -> Any:
        sites = {site.name: site.id for site in self.a.sites()}
        types = self.a.site_volume_types(sites["site-a"])
        return self.a.create_protection_group(
            name="group",
            replication_type=self.REPLICATION_TYPE,
            primary_site_id=sites["site-a"],
            secondary_site_id=sites["site-b"],
            volume_type_id=next(
                t.id for t in types if t.name == self.VOLUME_TYPE
            ),
        )

    def add_member(self, number: int = 0) -> None:
        self.carry_out(self.a, c.Verb.MEMBER_ADD, lambda: self.add(number))

    def add(self, number: int = 0) -> Any:
        server = self.bed.servers[number]
        return self.a.add_member(self.group_id, server.id)

    def set_mappings(self) -> None:
        self.carry_out(
            self.a,
            c.Verb.MAPPINGS_SET,
            lambda: self.a.set_resource_mappings(
                self.group_id, networks=[NETWORKS]
            ),
        )

    def delete_policy(self) -> None:
        self.carry_out(
            self.a,
            c.Verb.POLICY_DELETE,
            lambda: self.a.delete_replication_policy(self.group_id),
        )

    def sync(self) -> None:
        self.carry_out(
            self.a, c.Verb.SYNC, lambda: self.a.force_sync(self.group_id)
        )

    def set_policy(self, **settings: Any) -> None:
        settings = settings or {"replication_interval_minutes": 45}
        self.carry_out(
            self.a,
            c.Verb.POLICY_SET,
            lambda: self.a.set_replication_policy(self.group_id, **settings),
        )

    def update(self) -> None:
        self.carry_out(
            self.a,
            c.Verb.UPDATE,
            lambda: self.a.update_protection_group(
                self.group_id, description=f"of {len(self.rows)} cases"
            ),
        )

    def take_over(self, at: Any, verb: str, **args: Any) -> models.Operation:
        """Unplanned, although the other site is well; that one gives in,
        and replication is turned round."""
        name = f"unplanned {verb}"
        ended = self.run_verb(
            verb, at, name, type="unplanned", confirm=True, **args
        )
        self.until(
            "the other side gave in",
            lambda: self.condition(at, "SourceFenced"),
        )
        self.expect_in_sync()
        self.run_verb("reprotect", at)
        return ended

    def condition(self, at: Any, kind: str) -> Any:
        """True, False, or None for unknown."""
        group = at.get_protection_group(self.group_id)
        found = {row["type"]: row["status"] for row in group.conditions}
        return found.get(kind)

    def remove_member(self) -> None:
        self.carry_out(self.a, c.Verb.MEMBER_REMOVE, self.remove)

    def remove(self) -> Any:
        (member,) = self.a.members(self.group_id)
        # moves that were disturbed may have left some
        return self.a.remove_member(
            self.group_id, member.id, discard_undo=True
        )

    def delete(self, **args: Any) -> None:
        self.carry_out(
            self.a,
            c.Verb.DELETE,
            lambda: self.a.delete_protection_group(self.group_id, **args),
        )

    def protect(self) -> None:
        """A group of all servers, calmly."""
        self.kinds = ()
        self.create()
        self.set_mappings()
        for number in range(len(self.bed.servers)):
            self.add_member(number)

    def ask_for_reprotection(self) -> None:
        """From now on no engine does it unasked, at a time of its own."""
        self._leave_out("reprotection.Reprotection")

    def leave_fencing_to_moves(self) -> None:
        """From now on the lost site does not find out by itself, and stops
        what the fence of the move was to stop."""
        self._leave_out("quarantine.Quarantine")

    def _leave_out(self, work: str) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                f"protector.engine.{work}.run", lambda itself: None
            )
        )
        # those that run have begun with it
        for site in (self.bed.a, self.bed.b):
            site.restart()

    # -- what there is

    def running(self, at: Any) -> list[evidence.Server]:
        site = "site-a" if at is self.a else "site-b"
        return [
            evidence.server(self.bed.clients[site], m.current_instance_id)
            for m in at.members(self.group_id)
        ]

    def write(self, at: Any) -> None:
        """The guests write; from now on that is what must be there."""
        place = self.site(at).place
        for server in self.running(at):
            for disk in server.disks:
                for first, count in PAGES:
                    self.guests.write(place, disk, first, count)

    def inventory(self) -> evidence.Inventory:
        """All that is on both clouds and arrays, but for the snapshots that
        come and go by schedule."""
        found: evidence.Inventory = {}
        for place in self.bed.layout.every:
            for table, rows in evidence.cloud_inventory(place).items():
                found[f"{place.name} {table}"] = rows
            rows, _ = evidence.array_inventory(place)
            for table in ("volumes", "pgroups"):
                found[f"{place.array} {table}"] = rows[table]
        return found

    def shape(self) -> collections.Counter[tuple[str, str]]:
        """How many there are of each kind and name, whatever their ids."""
        return collections.Counter(
            (table, mortal.anonymous(row.get("name") or key))
            for table, rows in self.inventory().items()
            for key, row in rows.items()
        )

    # -- what must be true

    def expect(self, what: str, good: bool, seen: Any = "") -> None:
        if not good:
            self.violated(what, seen)

    def violated(
        self, what: str, seen: Any, plan: mortal.Plan | None = None
    ) -> NoReturn:
        last = plan.cases("")[-1:] if plan else ""
        about = self.kind or " ".join(self.kinds)
        self.violations.append(f"{about}: {what}: {seen} {last}")
        self.fail(self.violations[-1])

    def expect_unchanged(self, before: evidence.Inventory) -> None:
        """No orphan, no duplicate, and nothing gone."""
        left = evidence.remainder(before, self.inventory())
        self.expect("nothing is left or gone", not left, "; ".join(left))

    def expect_content(self, at: Any) -> None:
        """The servers run at a site with all bytes that were written."""
        for server in self.running(at):
            self.expect("runs", server.status == "ACTIVE", server)
            self.expect("is not locked", not server.locked, server)
        place = self.site(at).place
        disks = [disk for s in self.running(at) for disk in s.disks]
        for disk in disks:
            wrong = self.guests.wrong(place, disk)
            self.expect(f"bytes of {disk.key}", wrong is None, wrong)
        keys = {disk.key for disk in disks}
        self.expect("all disks", keys == set(self.guests.contents), keys)

    def held(self, at: Any) -> Digests:
        """What the array of the site must hold of the servers there, from
        now on, whether they run or not."""
        return {
            f"volume-{disk.volume_id}-cinder": content.whole
            for server in self.running(at)
            for disk in server.disks
            for content in [self.guests.contents[disk.key]]
        }

    def expect_on_array(self, at: Any, held: Digests) -> None:
        place = self.site(at).place
        for name, digest in held.items():
            answer = requests.get(
                f"{place.array_url}/control/volumes/{name}/data",
                params={"digest": guests.HASH},
                timeout=guests.TIMEOUT,
                verify=str(place.array_ca),
            )
            answer.raise_for_status()
            found = answer.json()["digest"]
            self.expect(f"bytes of {name}", found == digest, found)

    def expect_in_sync(self, *pair: Any) -> None:
        """Both sites hold one version of the group, and say so."""
        sites = pair or (self.a, self.b)
        self.until("both sites are in sync", lambda: self._in_sync(*sites))

    def _in_sync(self, *pair: Any) -> bool:
        found = [p.get_sync_status(self.group_id) for p in pair]
        held = {(s.local["epoch"], s.local["version"]) for s in found}
        return len(held) == 1 and all(s.in_sync for s in found)

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + self.PATIENCE
        while not (found := look()):
            self.expect(what, time.monotonic() < deadline)
            time.sleep(0.1)
        return found

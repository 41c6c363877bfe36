# SPDX-License-Identifier: Apache-2.0
"""The engine dies at every moment of what is done when a site is lost for
good, or came back with another history."""

import pathlib
from typing import Any

import fixtures

from protector import constants as c
from protector.sandbox import access, evidence
from protector.tests.failure import bed, kill_case, kills, mortal

# what a lost array sends here is its own, and nobody asks it
THEIRS = (
    "new in array-a pgroups: array-b:",
    "new in array-a pgroups: array-c:",
)


class AloneTest(kill_case.KillCase):
    """The other site is declared lost; the group goes on without it, finds a
    third one, loses that, too, and is deleted."""

    COVERS = frozenset(
        {
            f"{c.Verb.UPDATE} alone",
            f"{c.Verb.POLICY_SET} alone",
            f"{c.Verb.POLICY_DELETE} alone",
            f"{c.Verb.MAPPINGS_SET} alone",
            f"{c.Verb.MEMBER_REMOVE} alone",
            f"{c.Verb.MEMBER_ADD} alone",
            c.Verb.REHOME,
            f"{c.Verb.DELETE} alone",
        }
    )

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(third=True))

    def test_alone(self) -> None:
        before = self._at_home()
        admin = access.connect(self.bed.layout, "site-a-admin")
        self.addCleanup(admin.close)
        self.admin = admin.protector
        self.protect()
        self.write(self.a)
        self._lose("site-b")
        self.kinds = kills.KINDS
        self._change()
        third = self.bed.clients["site-c"].protector
        self.run_verb(
            "rehome", self.a, secondary_site_id=self._site("site-c").id
        )
        self.expect_in_sync(self.a, third)
        self._lose("site-c")
        self.expect_content(self.a)
        running, held = self.running(self.a), self.held(self.a)
        self.delete()
        cloud = self.bed.clients["site-a"]
        for server in running:
            now = evidence.server(cloud, server.id)
            self.expect("runs on", now == server, now)
        self.expect_on_array(self.a, held)
        left = evidence.remainder(before, self._at_home())
        left = [text for text in left if not text.startswith(THEIRS)]
        self.expect("nothing is left or gone", not left, left)

    def _change(self) -> None:
        self.update()
        self.set_policy()
        self.delete_policy()
        self.set_mappings()
        self.remove_member()
        self.add_member()

    def _lose(self, name: str) -> None:
        """Its API and engine are gone, and nobody waits for them."""
        gone = next(s for s in self.bed.sites if s.place.name == name)
        gone.close()
        self.until(
            f"{name} is missed",
            lambda: self._site(name).status == c.SiteStatus.UNREACHABLE,
        )
        self.admin.declare_site_lost(self._site(name))

    def _site(self, name: str) -> Any:
        return next(s for s in self.admin.sites() if s.name == name)

    def _at_home(self) -> evidence.Inventory:
        """What is at the first site."""
        return {
            table: rows
            for table, rows in self.inventory().items()
            if table.startswith(("site-a ", "array-a "))
        }


class SplitTest(kill_case.KillCase):
    """A site went back in time, took the group, and the other one came
    back."""

    COVERS = frozenset({c.Verb.RESOLVE_SPLIT})

    def test_resolve_split(self) -> None:
        self.protect()
        self.write(self.a)
        self.run_verb("replicate", self.a)
        backup = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "b")
        self.bed.b.backup(backup)
        self.update()
        self.bed.a.close()
        self.bed.b.restore(backup)
        self.run_verb("failover", self.b, type="unplanned", confirm=True)
        self.expect_content(self.b)
        self.write(self.b)
        self.bed.a.serve()
        for at in (self.a, self.b):
            self.until("Split", lambda at=at: self.condition(at, "Split"))
        sites = {site.name: site.id for site in self.b.sites()}
        self.kinds = kills.KINDS
        self.run_verb("resolve_split", self.b, keep_site_id=sites["site-b"])
        self.expect_in_sync()
        self.expect_content(self.b)
        self.kinds = ()
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)


class _DiesReleased(mortal.Plan):
    """The engine dies when it has been given what it moves."""

    def ends(self, moment: mortal.Moment) -> bool:
        ends = mortal.Moment("recorded", "placement.release", None)
        return moment == ends


class ReclaimTest(kill_case.KillCase):
    """The site that is to have the group is lost when the other one has
    released it, and that one takes it back."""

    COVERS = frozenset(
        {
            f"unplanned {verb} of what was released"
            for verb in (c.Verb.FAILOVER, c.Verb.FAILBACK)
        }
    )

    def test_reclaim(self) -> None:
        self.protect()
        self.write(self.a)
        self._reclaim(self.a, self.b, "failover", "failback")
        self.run_verb("failover", self.b, type="planned")
        self.write(self.b)
        self._reclaim(self.b, self.a, "failback", "failover")
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)

    def _reclaim(self, source: Any, target: Any, verb: str, back: str) -> None:
        lost = self.site(target)
        lost.meet(_DiesReleased())
        target.run_protection_group(self.group_id, verb, type="planned")
        self.until("it was released", lost.is_dead)
        lost.meet(mortal.Plan())
        lost.close()
        self.until(
            "it may be taken back",
            lambda: (
                f"unplanned_{back}"
                in source.get_protection_group(self.group_id).allowed_actions
            ),
        )
        self.kinds = kills.KINDS
        self.run_verb(
            back,
            source,
            f"unplanned {back} of what was released",
            type="unplanned",
            confirm=True,
        )
        self.kinds = ()
        self.expect_content(source)
        lost.serve()
        self.expect_in_sync()

# SPDX-License-Identifier: Apache-2.0
"""What is published as allowed is taken; what is refused is refused so."""

from collections.abc import Iterator
import itertools
from typing import Any
import uuid

import hypothesis
from hypothesis import strategies as st

from protector import constants as c
from protector import states
from protector.db import models
from protector.db.api import protection_groups
from protector.tests.unit.api import served

S, V = c.GroupStatus, c.Verb
PLANNED = {"type": "planned"}
UNPLANNED = {"type": "unplanned"}
WITHOUT_SOURCE = {"unplanned_failover", "unplanned_failback"}
STATUSES = [
    (status, None) for status in S if status not in (S.ERROR, S.CREATING)
] + [(S.ERROR, verb) for verb in (V.CREATE, V.DELETE, V.FAILOVER, V.FAILBACK)]
MOVED = (S.FAILED_OVER, S.FAILING_BACK)
SITUATIONS = st.fixed_dictionaries(
    {
        "here": st.booleans(),
        "busy": st.booleans(),
        "members": st.booleans(),
        "configured": st.booleans(),
        "parked": st.booleans(),
        "sync": st.sampled_from((*c.SyncStatus, None)),
        "conditions": st.dictionaries(
            st.sampled_from(list(c.Condition)),
            st.sampled_from((True, False, None)),
        ),
    }
).flatmap(
    lambda found: st.sampled_from(STATUSES).map(
        lambda pair: {**found, "status": pair[0], "error_verb": pair[1]}
    )
)
PROFILE = hypothesis.settings(
    max_examples=30,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


class LegalityTest(served.ApiTest):
    DEFAULT_TIMEOUT = 180
    OPTIONS = {"settle_waiters": 0}

    def setUp(self) -> None:
        super().setUp()
        self.engine.finishes = False
        self.engine.answers["forward"] = self.told
        self.group_id = ""
        self.changes = states.CHANGES - {V.SYNC}

    def told(self, action: Any, **kwargs: Any) -> Any:
        """The other site accepts."""
        return {
            "operation": {
                "id": action["operation_id"],
                "protection_group_id": self.group_id,
                "kind": action["verb"],
                "status": "pending",
                "executor_site_id": self.site.peer_id,
                "steps": [],
            }
        }

    # -- a group in a situation

    def place(
        self,
        status: str,
        error_verb: str | None,
        here: bool,
        sync: str | None = c.SyncStatus.SYNCED,
        members: bool = True,
        configured: bool = True,
        busy: bool = False,
        parked: bool = True,
        conditions: dict[str, bool | None] | None = None,
        drill: bool = False,
        claimed: int = 1,
    ) -> None:
        moved = status in MOVED or error_verb == V.FAILBACK
        ends = [self.site.local_id, self.site.peer_id]
        if here == moved:
            ends.reverse()
        self.group_id = self.site.group(
            primary_site_id=ends[0], secondary_site_id=ends[1], status=status
        )
        with self.db.writer() as session:
            group = protection_groups.get(session, self.group_id)
            group.error_verb, group.epoch = error_verb, claimed
            group.current_primary_site_id = ends[1] if moved else ends[0]
            group.operation_id = str(uuid.uuid4()) if busy else None
            self._hang_on(session, sync)
            now = self.served.runtime.clock.now()
            for kind, holds in (conditions or {}).items():
                protection_groups.set_condition(
                    group, kind, holds, "Observed", "As it is.", now
                )
        self.drill_id = str(uuid.uuid4()) if drill else None
        self._put_drill()
        if configured:
            self.site.configure(self.group_id)
        self.member_id = str(uuid.uuid4())
        if members:
            self.member_id = self.site.member(self.group_id)
            if parked:
                self._park(ends[0] if moved else ends[1])

    def _park(self, site_id: str) -> None:
        with self.db.writer() as session:
            for copy in session.query(models.MemberCopy).filter_by(
                member_id=self.member_id
            ):
                away = copy.site_id == site_id
                copy.role = c.CopyRole.PARKED if away else c.CopyRole.LIVE
                copy.server_id = str(uuid.uuid4())

    def _put_drill(self) -> None:
        """Whatever there was."""
        with self.db.writer() as session:
            session.query(models.Drill).filter_by(
                protection_group_id=self.group_id
            ).delete()
            if self.drill_id:
                group = protection_groups.get(session, self.group_id)
                ends = {group.primary_site_id, group.secondary_site_id}
                session.add(
                    models.Drill(
                        protection_group_id=self.group_id,
                        operation_id=self.drill_id,
                        site_id=(ends - {group.current_primary_site_id}).pop(),
                        status="running",
                        members=[],
                        residue=[],
                        started_at=self.served.runtime.clock.now(),
                    )
                )

    def _hang_on(self, session: Any, sync: str | None) -> None:
        now = self.served.runtime.clock.now()
        session.add(
            models.ReplicationPolicy(
                id=str(uuid.uuid4()),
                protection_group_id=self.group_id,
                replication_interval_minutes=5,
                rpo_minutes=15,
                retention={"all_for_hours": 1, "per_day": 1, "days": 1},
                prestage=True,
                undo_retention_days=7,
                created_at=now,
            )
        )
        if sync is not None:
            session.add(
                models.MetadataSync(
                    protection_group_id=self.group_id,
                    epoch=1,
                    version=2,
                    checksum="sum",
                    document="{}",
                    made_at=now,
                    remote_version=1,
                    remote_status=sync,
                    attempts=0,
                )
            )

    # -- the requests

    def ask_for(self, verb: str) -> Any:
        path = f"/protection-groups/{self.group_id}"
        if verb == V.REHOME:
            body = {verb: {"secondary_site_id": str(uuid.uuid4())}}
            return self.tenant("POST", f"{path}/action", body)
        if verb == V.RESOLVE_SPLIT:
            body = {verb: {"keep_site_id": self.site.local_id}}
            return self.tenant("POST", f"{path}/action", body)
        kind, _, move = verb.rpartition("_")
        if move in c.PLACEMENT_VERBS and kind in ("", "unplanned"):
            args = UNPLANNED if kind else PLANNED
            return self.tenant("POST", f"{path}/action", {move: args})
        if verb in (
            V.REPLICATE,
            V.REPROTECT,
            V.SOURCE_CLEANUP,
            *c.DRILL_VERBS,
        ):
            return self.tenant("POST", f"{path}/action", {verb: {}})
        member = {"instance_id": str(uuid.uuid4())}
        return self.tenant(
            *{
                V.UPDATE: (
                    "PUT",
                    path,
                    {"protection_group": {"description": "new"}},
                ),
                V.DELETE: ("DELETE", path),
                V.MEMBER_ADD: ("POST", f"{path}/members", {"member": member}),
                V.MEMBER_REMOVE: (
                    "DELETE",
                    f"{path}/members/{self.member_id}",
                ),
                V.POLICY_SET: (
                    "PUT",
                    f"{path}/policy",
                    {"policy": {"rpo_minutes": 30}},
                ),
                V.POLICY_DELETE: ("DELETE", f"{path}/policy"),
                V.MAPPINGS_SET: ("PUT", f"{path}/mappings", {"mappings": {}}),
                V.SYNC: ("POST", f"{path}/sync-force"),
            }[V(verb)]
        )

    def snapshot(self) -> dict[str, Any]:
        row = self.group_row(self.group_id)
        return {
            name: getattr(row, name)
            for name in (
                "status",
                "error_verb",
                "operation_id",
                "last_operation_id",
                "epoch",
                "epoch_seen",
                "claim",
            )
        }

    def back(self, before: dict[str, Any]) -> None:
        """The group as it was before a request was taken."""
        self.set_group(self.group_id, **before)
        with self.db.writer() as session:
            for row in session.query(models.Member).filter_by(
                protection_group_id=self.group_id
            ):
                if row.id != self.member_id:
                    session.delete(row)
                else:
                    row.status = c.MemberStatus.PROTECTED
            # or it would be at work on the drill
            session.query(models.Operation).filter(
                models.Operation.kind.in_(c.DRILL_VERBS)
            ).update({"status": "completed"})
        self._put_drill()

    def compare(self, **situation: Any) -> Iterator[str]:
        """The verbs that were taken; each was compared with what is
        published."""
        self.place(**situation)
        path = f"/protection-groups/{self.group_id}"
        shown = self.ok(self.tenant("GET", path))["protection_group"]
        refused = shown["refused_actions"]
        verbs = {str(v) for v in V} - {"create"} | WITHOUT_SOURCE
        self.assertEqual(verbs, set(refused) | set(shown["allowed_actions"]))
        self.assertEqual(set(), set(refused) & set(shown["allowed_actions"]))
        before = self.snapshot()
        for verb in sorted(verbs):
            if verb == V.MEMBER_REMOVE and not situation.get("members", True):
                continue
            answer = self.ask_for(verb)
            note = (situation, verb, answer.text)
            if verb in refused:
                error = answer.json()["error"]
                self.assertEqual(409, answer.status_code, note)
                for key in ("reason", "message"):
                    self.assertEqual(refused[verb][key], error[key], note)
            else:
                self.assertIn(answer.status_code, (200, 202, 204), note)
                yield verb
                self.back(before)

    # -- any situation

    @hypothesis.settings(PROFILE)
    @hypothesis.given(SITUATIONS)
    def test_any_situation(self, situation: dict[str, Any]) -> None:
        """What is published is what happens, and each refusal says of which
        group it is, and what to do."""
        conditions = situation.pop("conditions")
        list(self.compare(conditions=conditions, **situation))
        row = self.group_row(self.group_id)
        path = f"/protection-groups/{self.group_id}"
        shown = self.ok(self.tenant("GET", path))["protection_group"]
        for verb, refused in shown["refused_actions"].items():
            self.assertIn(row.name, refused["message"], verb)
            why, _, remedy = refused["message"].partition(". ")
            self.assertTrue(why and remedy.endswith("."), refused)

    # -- what is walked

    def test_every_verb_in_every_status(self) -> None:
        taken = set()
        for (status, verb), here, busy, drill in itertools.product(
            STATUSES, (True, False), (True, False), (True, False)
        ):
            if busy and drill:
                continue
            taken |= set(
                self.compare(
                    status=status,
                    error_verb=verb,
                    here=here,
                    busy=busy,
                    drill=drill,
                )
            )
        untaken = {"create", "resolve_split", "rehome"}
        wanted = {str(v) for v in V} - untaken | WITHOUT_SOURCE
        self.assertEqual(wanted, taken)

    def test_what_the_peer_does_not_hold(self) -> None:
        for sync, status, here in itertools.product(
            (*c.SyncStatus, None),
            (S.ACTIVE, S.FAILED_OVER),
            (True, False),
        ):
            found = set(
                self.compare(
                    status=status, error_verb=None, here=here, sync=sync
                )
            )
            self.assertIn(V.SYNC, found)
            self.assertEqual(
                sync in (c.SyncStatus.SYNCED, None),
                bool(found & c.PLACEMENT_VERBS),
            )

    def test_a_drill_asks_for_no_slot_and_no_document(self) -> None:
        for busy, here, drill in itertools.product((True, False), repeat=3):
            found = set(
                self.compare(
                    status=S.ACTIVE,
                    error_verb=None,
                    here=here,
                    sync=c.SyncStatus.FAILED,
                    busy=busy,
                    drill=drill,
                )
            )
            self.assertEqual(
                {V.TEST_CLEANUP if drill else V.TEST_FAILOVER},
                found & c.DRILL_VERBS,
            )

    def test_an_unplanned_move_in_every_status(self) -> None:
        """Nothing but the status itself, the place and the members count."""
        for (status, verb), here, busy, members, sync in itertools.product(
            STATUSES,
            (True, False),
            (True, False),
            (True, False),
            (c.SyncStatus.SYNCED, c.SyncStatus.FAILED),
        ):
            self.place(status, verb, here, sync, members, busy=busy)
            moved = status in MOVED or verb == V.FAILBACK
            asked = V.FAILBACK if moved else V.FAILOVER
            path = f"/protection-groups/{self.group_id}/action"
            answer = self.tenant("POST", path, {asked: UNPLANNED})
            unmade = status == S.DELETING or verb in (V.CREATE, V.DELETE)
            taken = not here and members and not unmade
            self.assertEqual(
                202 if taken else 409,
                answer.status_code,
                (status, verb, here, busy, members, sync, answer.text),
            )

    def test_what_the_other_site_claimed_is_taken_back(self) -> None:
        self.place(S.ACTIVE, None, True)
        path = f"/protection-groups/{self.group_id}/action"
        for seen, code in ((1, 409), (2, 202)):
            self.set_group(self.group_id, epoch_seen=seen)
            answer = self.tenant("POST", path, {V.FAILBACK: UNPLANNED})
            self.assertEqual(code, answer.status_code, answer.text)

    def test_what_there_is_to_move_or_to_delete(self) -> None:
        for members, configured in itertools.product((True, False), repeat=2):
            found = set(
                self.compare(
                    status=S.ACTIVE,
                    error_verb=None,
                    here=True,
                    members=members,
                    configured=configured,
                )
            )
            self.assertEqual(members, V.SOURCE_CLEANUP in found)
            self.assertEqual(
                {V.FAILOVER: members, V.DELETE: not members}
                | {V.REPLICATE: configured},
                {v: v in found for v in (V.FAILOVER, V.DELETE, V.REPLICATE)},
            )

    def test_with_the_other_site_lost(self) -> None:
        for here, status in itertools.product(
            (True, False), (S.ACTIVE, S.FAILED_OVER)
        ):
            found = self.compare(
                status=status,
                error_verb=None,
                here=here,
                sync=c.SyncStatus.FAILED,
                conditions={c.Condition.UNPROTECTED: True},
            )
            alone = {V.DELETE}
            alone |= (
                {
                    V.REHOME,
                    V.UPDATE,
                    V.MEMBER_ADD,
                    V.MEMBER_REMOVE,
                    V.POLICY_SET,
                    V.POLICY_DELETE,
                    V.MAPPINGS_SET,
                }
                if here
                else {
                    V.TEST_FAILOVER,
                    "unplanned_failover"
                    if status == S.ACTIVE
                    else "unplanned_failback",
                }
            )
            self.assertEqual({str(v) for v in alone}, set(found))

    def test_claim_that_its_move_has_not_settled(self) -> None:
        """Changes would be versions of what does not run yet."""
        for here, status, claimed in itertools.product(
            (True, False), (S.ACTIVE, S.FAILED_OVER), (3, 1)
        ):
            found = set(
                self.compare(
                    status=status,
                    error_verb=None,
                    here=here,
                    claimed=claimed,
                )
            )
            if claimed == 3:
                self.assertEqual(set(), found & self.changes)
            self.assertIn(V.SYNC, found)
            move = V.FAILOVER if status == S.ACTIVE else V.FAILBACK
            self.assertIn(move, found)

    def test_two_histories_wait_for_a_choice(self) -> None:
        for here, split, status in itertools.product(
            (True, False), (True, False), (S.ACTIVE, S.FAILED_OVER)
        ):
            found = self.compare(
                status=status,
                error_verb=None,
                here=here,
                sync=c.SyncStatus.FAILED,
                conditions={c.Condition.SPLIT: split},
            )
            only = {V.SYNC, V.TEST_FAILOVER}
            move = "failover" if status == S.ACTIVE else "failback"
            if split:
                only |= {V.RESOLVE_SPLIT}
            elif not here:
                only |= {f"unplanned_{move}"}
            self.assertEqual({str(v) for v in only}, set(found))

    def test_what_is_parked_and_may_be_removed(self) -> None:
        for parked, status in itertools.product(
            (True, False), (S.ACTIVE, S.FAILED_OVER)
        ):
            found = self.compare(
                status=status, error_verb=None, here=True, parked=parked
            )
            self.assertEqual(parked, V.SOURCE_CLEANUP in set(found))

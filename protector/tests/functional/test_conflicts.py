# SPDX-License-Identifier: Apache-2.0
"""Requests that exclude each other, at the same moment: one wins, the other
is told why, and nothing is half done."""

from collections.abc import Callable
from concurrent import futures
import threading
from typing import Any
import uuid

import requests

from protector import constants as c
from protector.db import models
from protector.tests.unit.api import served

Json = dict[str, Any]
Ask = Callable[[], requests.Response]
PLANNED = {"failover": {"type": "planned"}}
SECONDS = 10


class ConflictTest(served.ApiTest):
    """Both requests have passed every look before either is written."""

    def setUp(self) -> None:
        super().setUp()
        self.engine.finishes = False

    def together(self, *verbs: str) -> None:
        """Let the engine's verdicts on these come at the same moment."""
        barrier = threading.Barrier(2)
        for verb in set(verbs):
            known = self.engine.answers.get(
                ("precheck", verb), self.engine.answers["precheck"]
            )
            self.engine.answers["precheck", verb] = self._after(barrier, known)

    @staticmethod
    def _after(barrier: threading.Barrier, known: Json) -> Any:
        def answer(**_: Any) -> Json:
            barrier.wait(SECONDS)
            return known

        return answer

    def race(self, *asks: Ask) -> list[requests.Response]:
        """The answers, the winner's first."""
        with futures.ThreadPoolExecutor(len(asks)) as pool:
            answers = list(pool.map(lambda ask: ask(), asks))
        return sorted(answers, key=lambda answer: answer.status_code)

    def one_wins(self, reason: str, *asks: Ask) -> Json:
        """One is accepted, the other refused with the reason.

        :returns: the error.
        """
        winner, loser = self.race(*asks)
        self.ok(winner, 202)
        return self.refused(loser, 409, reason)

    def pending(self) -> list[str]:
        return [
            operation.kind
            for operation in self.all_operations()
            if operation.status in c.UNFINISHED
        ]

    def new(self, name: str) -> Ask:
        body = {
            "protection_group": {
                "name": name,
                "replication_type": "async",
                "primary_site_id": self.site.local_id,
                "secondary_site_id": self.site.peer_id,
                "volume_type_id": "ssd",
            }
        }
        return lambda: self.tenant("POST", "/protection-groups", body)

    def of(self, group: str, method: str, path: str = "", *body: Any) -> Ask:
        return lambda: self.tenant(
            method, f"/protection-groups/{group}{path}", *body
        )

    def add(self, group: str) -> Ask:
        body = {"member": {"instance_id": str(uuid.uuid4())}}
        return self.of(group, "POST", "/members", body)

    def members(self) -> int:
        with self.db.reader() as session:
            return session.query(models.Member).count()

    def test_two_groups_of_one_name(self) -> None:
        self.together("create")
        error = self.one_wins("NameTaken", self.new("web"), self.new("web"))
        self.assertTrue(error["message"])
        with self.db.reader() as session:
            self.assertEqual(1, session.query(models.ProtectionGroup).count())
            held = session.query(models.ConsistencyGroup).count()
        self.assertEqual((1, ["create"]), (held, self.pending()))

    def test_delete_while_a_member_is_added(self) -> None:
        group = self.site.group()
        self.together("delete", "member_add")
        winner, loser = self.race(self.of(group, "DELETE"), self.add(group))
        self.ok(winner, 202)
        self.assertEqual(409, loser.status_code, loser.text)
        self.assertIn(
            loser.json()["error"]["reason"], ("GroupNotEmpty", "InvalidStatus")
        )
        kind = self.pending()
        self.assertIn(kind, (["delete"], ["member_add"]))
        self.assertEqual(kind == ["member_add"], self.members() == 1)

    def test_two_deletes(self) -> None:
        group = self.site.group()
        self.together("delete")
        ask = self.of(group, "DELETE")
        self.one_wins("InvalidStatus", ask, ask)
        self.assertEqual(["delete"], self.pending())

    def test_two_failovers(self) -> None:
        group = self.site.group(
            primary_site_id=self.site.peer_id,
            secondary_site_id=self.site.local_id,
        )
        self.site.member(group)
        self.site.configure(group)
        self.site.point(group)
        self.together("failover")
        ask = self.of(group, "POST", "/action", PLANNED)
        error = self.one_wins("InvalidStatus", ask, ask)
        self.assertIn("failing_over", error["message"])
        self.assertEqual(["failover"], self.pending())

    def test_update_while_it_is_deleted(self) -> None:
        group = self.site.group()
        self.together("delete", "update")
        change = {"protection_group": {"description": "new"}}
        self.served.runtime.conf.set_override("settle_timeout", 0, "api")
        winner, loser = self.race(
            self.of(group, "DELETE"), self.of(group, "PUT", "", change)
        )
        self.ok(winner, 202)
        self.refused(loser, 409, "InvalidStatus")
        self.assertEqual(1, len(self.pending()))
        self.assertEqual("", self.group_row(group).description)

    def test_the_same_server_twice(self) -> None:
        """The same request again is no conflict."""
        group = self.site.group()
        self.together("member_add")
        ask = self.add(group)
        first, second = self.race(ask, ask)
        self.assertEqual(
            self.ok(first)["member"]["id"],
            self.ok(second, 202)["member"]["id"],
        )
        self.assertEqual((1, ["member_add"]), (self.members(), self.pending()))

# SPDX-License-Identifier: Apache-2.0
"""/v1/peer over HTTP: who may speak, documents, reservations, mirrors."""

from typing import Any
from unittest import mock
import uuid

from oslo_db import exception as db_exc

from protector import metadata
from protector.db import models
from protector.db import session as sessions
from protector.db.api import metadata_sync, mirrors, protection_groups
from protector.tests.fixtures import site_runtime
from protector.tests.unit.api import served

SERVICE = {
    "X-User-Name": "protector",
    "X-User-Domain-Name": "Default",
}

# what a transaction meets that another one undoes
UNDONE = (db_exc.DBDeadlock(), db_exc.DBDuplicateEntry())


def undone(module: Any, name: str, *errors: Exception) -> Any:
    """A function that meets these first."""
    effects = [*errors, mock.DEFAULT]
    real = getattr(module, name)
    return mock.patch.object(module, name, wraps=real, side_effect=effects)


class PeerTest(served.ApiTest):
    """``peer`` asks as the other site's Protector."""

    def peer(self, method: str, path: str, *args: Any, **kw: Any) -> Any:
        headers = {
            **SERVICE,
            "X-Protector-Site": self.site.peer_id,
            **kw.pop("headers", {}),
        }
        given = {"roles": "service", "project": "p-service", **kw}
        path = f"/v1/peer{path}"
        return self.ask(method, path, *args, headers=headers, **given)


class IdentityTest(PeerTest):
    def test_it_says_who_this_is(self) -> None:
        shown = self.ok(self.peer("GET", "/identity"))
        self.assertEqual(self.site.local_id, shown["site"]["id"])
        self.assertEqual("protector", shown["user"])

    def test_a_site_to_be_registered_may_ask(self) -> None:
        headers = {"X-Protector-Site": str(uuid.uuid4())}
        self.ok(self.peer("GET", "/identity", headers=headers))
        answer = self.peer("GET", "/groups", headers=headers)
        self.refused(answer, 403, "PolicyForbidden")

    def test_role_and_user_are_both_asked(self) -> None:
        answer = self.peer("GET", "/identity", roles="admin")
        self.refused(answer, 403, "PolicyForbidden")
        for header, value in (
            ("X-User-Name", "nova"),
            ("X-User-Domain-Name", "Heat"),
        ):
            answer = self.peer("GET", "/identity", headers={header: value})
            self.refused(answer, 403, "PolicyForbidden")

    def test_there_is_nothing_else(self) -> None:
        self.refused(self.peer("GET", "/sites"), 404, "NotFound")
        self.refused(self.peer("POST", "/identity"), 405, "MethodNotAllowed")


class DocumentTest(PeerTest):
    def setUp(self) -> None:
        super().setUp()
        self.other = self.useFixture(
            site_runtime.SiteRuntime(peer_of=self.site)
        )
        self.group_id = self.other.group()

    def document(self) -> bytes:
        with self.other.runtime.db.writer() as session:
            group = protection_groups.get(session, self.group_id)
            now = site_runtime.NOW
            metadata_sync.settle(session, group, self.other.local_id, now)
            return metadata_sync.find(session, group.id).document.encode()

    def push(self, raw: bytes, **headers: str) -> Any:
        given = {
            "Content-Type": "application/json",
            "X-Protector-Checksum": metadata.checksum(raw),
            **headers,
        }
        path = f"/groups/{self.group_id}"
        return self.peer("PUT", path, headers=given, data=raw)

    def test_a_document_becomes_rows(self) -> None:
        raw = self.document()
        shown = self.ok(self.push(raw))
        self.assertEqual(metadata.triple(raw).as_dict(), shown)
        self.assertIsNotNone(self.group_row(self.group_id))
        self.assertEqual(shown, self.ok(self.push(raw)))
        held = self.ok(self.peer("GET", "/groups"))["groups"]
        self.assertEqual(shown["checksum"], held[0]["checksum"])

    def test_what_is_held_can_be_taken(self) -> None:
        raw = self.document()
        path = f"/groups/{self.group_id}"
        self.refused(self.peer("GET", path), 404, "NotFound")
        triple = self.ok(self.push(raw))
        shown = self.ok(self.peer("GET", path))["group"]
        self.assertEqual(raw, shown["document"].encode())
        self.assertEqual(triple, {key: shown[key] for key in triple})
        self.assertIsNone(shown["source_fenced"])
        # a claim is told before it has a document of its own
        self.set_group(self.group_id, epoch=2)
        shown = self.ok(self.peer("GET", path))["group"]
        self.assertEqual((1, 2), (shown["epoch"], shown["claimed_epoch"]))

    def test_a_drill_that_was_started_here_is_told(self) -> None:
        self.ok(self.push(self.document()))
        row = models.Drill(
            protection_group_id=self.group_id,
            operation_id=str(uuid.uuid4()),
            site_id=self.site.local_id,
            status="running",
            started_at=site_runtime.NOW,
            members=[],
            residue=[],
        )
        told = row.operation_id
        with self.db.writer() as session:
            session.add(row)
        for changes, shown in (
            ({}, told),
            ({"site_id": self.site.peer_id}, None),
            ({"site_id": self.site.local_id, "status": "ended"}, None),
        ):
            with self.db.writer() as session:
                found = session.get(models.Drill, self.group_id)
                for name, value in changes.items():
                    setattr(found, name, value)
            (held,) = self.ok(self.peer("GET", "/groups"))["groups"]
            self.assertEqual(shown, held["drill_id"])

    def test_what_is_held_is_told_to_the_pair_only(self) -> None:
        third = self.site.group(secondary_site_id=str(uuid.uuid4()))
        answer = self.peer("GET", f"/groups/{third}")
        self.refused(answer, 404, "NotFound")

    def test_an_older_one_is_told_what_is_held(self) -> None:
        first, second = self.document(), self.document()
        self.ok(self.push(second))
        error = self.refused(self.push(first), 409, "StaleDocument")
        self.assertEqual(2, error["details"]["version"])

    def test_the_sum_is_over_the_bytes(self) -> None:
        raw = self.document()
        answer = self.push(
            raw + b" ", **{"X-Protector-Checksum": metadata.checksum(raw)}
        )
        self.refused(answer, 400, "BadRequest")

    def test_who_asks_comes_first(self) -> None:
        answer = self.push(b"{}", **{"X-User-Name": "nova"})
        self.refused(answer, 403, "PolicyForbidden")

    def test_the_path_names_the_group(self) -> None:
        raw = self.document()
        self.group_id = str(uuid.uuid4())
        self.refused(self.push(raw), 400, "BadRequest")

    def test_documents_may_be_larger_than_bodies_of_users(self) -> None:
        conf = self.served.runtime.conf
        member_id = self.other.member(self.group_id)
        with self.other.runtime.db.writer() as session:
            row = session.get(models.Member, member_id)
            row.recipe = {"user_data": "x" * (conf.api.max_body_bytes + 1)}
        self.ok(self.push(self.document()))

    def test_what_another_telling_undid_is_done_again(self) -> None:
        for error in UNDONE:
            with undone(metadata_sync, "receive", error):
                self.ok(self.push(self.document()))

    def test_a_row_that_stays_in_the_way(self) -> None:
        errors = [db_exc.DBDuplicateEntry()] * sessions.RACES
        with undone(metadata_sync, "receive", *errors):
            answer = self.push(self.document())
        self.refused(answer, 500, "ProtectorError")

    def test_a_tombstone(self) -> None:
        self.ok(self.push(self.document()))
        path = f"/groups/{self.group_id}"
        self.ok(self.peer("DELETE", path), 204)
        self.assertIsNone(self.group_row(self.group_id))
        self.ok(self.peer("DELETE", path, {"version": 1}), 204)

    def test_a_group_that_went_on_elsewhere(self) -> None:
        """The primary, too, forgets it, once its servers are down."""
        group_id = self.site.group()
        member_id = self.site.member(group_id)
        with self.db.writer() as session:
            metadata_sync.settle(
                session,
                protection_groups.lock(session, group_id),
                self.site.local_id,
                self.served.runtime.clock.now(),
            )
        path = f"/groups/{group_id}"
        body = {"epoch": 2, "running": [member_id]}
        answer = self.peer("DELETE", path, body)
        self.refused(answer, 409, "InvalidStatus")
        # what was noted stays
        with self.db.reader() as session:
            other = metadata_sync.find(session, group_id).other
        self.assertEqual([member_id], other["running"])
        self.set_group(group_id, conditions={"SourceFenced": {"status": True}})
        self.ok(self.peer("DELETE", path, body), 204)
        self.assertIsNone(self.group_row(group_id))

    def test_only_the_primary_deletes(self) -> None:
        group_id = self.site.group()
        answer = self.peer("DELETE", f"/groups/{group_id}")
        self.refused(answer, 409, "NotPrimarySite")


class ReserveTest(PeerTest):
    def reserve(self, **values: Any) -> Any:
        body = {
            "id": str(uuid.uuid4()),
            "name": "web",
            "project_id": "p-here",
            **values,
        }
        return self.peer("POST", "/groups", body)

    def test_a_name_is_kept(self) -> None:
        shown = self.ok(self.reserve())
        row = self.group_row(shown["id"])
        self.assertEqual("creating", row.status)
        self.assertEqual(self.site.peer_id, row.primary_site_id)
        self.ok(self.reserve(id=shown["id"]))
        self.refused(self.reserve(), 409, "NameTaken")

    def test_it_is_given_back(self) -> None:
        shown = self.ok(self.reserve())
        self.ok(self.peer("DELETE", f"/groups/{shown['id']}"), 204)
        self.ok(self.reserve())


class MirrorTest(PeerTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.operation_id = str(uuid.uuid4())

    def mirror(self, **values: Any) -> Any:
        body = {
            "id": self.operation_id,
            "protection_group_id": self.group_id,
            "kind": "failover",
            "type": "planned",
            "status": "running",
            "executor_site_id": self.site.peer_id,
            "progress": 30,
            "created_at": "2026-11-24T09:00:00+00:00",
            "started_at": "2026-11-24T09:00:01+00:00",
            "steps": [
                {
                    "id": str(uuid.uuid4()),
                    "name": "fence",
                    "status": "done",
                    "weight": 1,
                    "member_name": "web",
                    "finished_at": "2026-11-24T09:00:05+00:00",
                }
            ],
            "of_a_later_release": True,
            **values,
        }
        path = f"/operations/{self.operation_id}"
        return self.peer("PUT", path, body)

    def test_it_is_shown_and_brought_up_to_date(self) -> None:
        self.ok(self.mirror())
        self.ok(self.mirror(status="completed", progress=100))
        path = f"/operations/{self.operation_id}"
        shown = self.ok(self.tenant("GET", path))["operation"]
        self.assertEqual("completed", shown["status"])
        self.assertEqual("web", shown["steps"][0]["member"])
        self.assertEqual(
            "2026-11-24T09:00:05Z", shown["steps"][0]["finished_at"]
        )

    def test_one_that_goes_on_has_not_finished(self) -> None:
        """After a retry, or where it was thought to be over."""
        at = "2026-11-24T09:00:07+00:00"
        self.ok(self.mirror(status="failed", finished_at=at))
        path = f"/operations/{self.operation_id}"
        shown = self.ok(self.tenant("GET", path))["operation"]
        self.assertEqual("2026-11-24T09:00:07Z", shown["finished_at"])
        self.ok(self.mirror())
        shown = self.ok(self.tenant("GET", path))["operation"]
        self.assertIsNone(shown["finished_at"])

    def test_what_another_telling_undid_is_done_again(self) -> None:
        for error in UNDONE:
            with undone(mirrors, "upsert", error):
                self.ok(self.mirror())

    def test_an_operation_of_another_group_is_not_there(self) -> None:
        self.ok(self.mirror())
        other_id = self.site.group()
        answer = self.mirror(protection_group_id=other_id)
        self.refused(answer, 404, "NotFound")

    def test_what_is_executed_here_is_not_the_peers_to_tell(self) -> None:
        answer = self.mirror(executor_site_id=self.site.local_id)
        self.refused(answer, 400, "BadRequest")

    def test_bad_times_and_unknown_groups(self) -> None:
        self.refused(self.mirror(started_at="soon"), 400, "BadRequest")
        answer = self.mirror(protection_group_id=str(uuid.uuid4()))
        self.refused(answer, 404, "NotFound")


class OtherPairTest(PeerTest):
    def test_a_third_site_reaches_no_group_of_ours(self) -> None:
        third = str(uuid.uuid4())
        with self.db.writer() as session:
            row = session.get(models.Site, self.site.peer_id)
            session.add(
                models.Site(
                    id=third,
                    name="site-c",
                    description="",
                    is_local=False,
                    verify=True,
                    status="active",
                    capabilities={},
                    lost=False,
                    created_at=row.created_at,
                )
            )
        group_id = self.site.group()
        headers = {"X-Protector-Site": third}
        listed = self.peer("GET", "/groups", headers=headers)
        self.assertEqual([], self.ok(listed)["groups"])
        body = {
            "operation_id": str(uuid.uuid4()),
            "epoch_held": 1,
            "span_seconds": 60,
        }
        path = f"/groups/{group_id}/lock"
        answer = self.peer("POST", path, body, headers=headers)
        self.refused(answer, 404, "NotFound")

# SPDX-License-Identifier: Apache-2.0
"""Groups over HTTP: the documented flows and refusals."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import consistency_groups
from protector.tests.unit.api import served
from protector.tests.unit.db.api import database

PATH = "/protection-groups"


class CreateTest(served.ApiTest):
    def body(self, **values: Any) -> dict[str, Any]:
        return {
            "protection_group": {
                "name": "prod-web-app",
                "description": "Production web application",
                "replication_type": "async",
                "primary_site_id": self.site.local_id,
                "secondary_site_id": self.site.peer_id,
                "volume_type_id": "type-here",
                **values,
            }
        }

    def test_it_becomes_an_operation(self) -> None:
        self.engine.finishes = False
        answer = self.tenant("POST", PATH, self.body(), version="1.1")
        shown = self.ok(answer, 202)["protection_group"]
        self.assertEqual("creating", shown["status"])
        self.assertEqual(0, shown["failover_count"])
        self.assertEqual(self.site.local_id, shown["current_primary_site_id"])
        self.assertEqual(
            "pg-prod-web-app-cg", shown["consistency_group"]["name"]
        )
        operation = self.operation_row(answer)
        self.assertEqual("create", operation.kind)
        self.assertEqual("2", answer.headers["Retry-After"])
        row = self.group_row(shown["id"])
        self.assertEqual("p-there", row.secondary_project_id)
        self.assertEqual(operation.id, row.operation_id)
        self.assertEqual(operation.id, shown["last_operation_id"])

    def test_both_sides_are_recorded(self) -> None:
        answer = self.tenant("POST", PATH, self.body())
        group_id = self.ok(answer, 202)["protection_group"]["id"]
        with self.db.reader() as session:
            row = consistency_groups.find(session, group_id)
            side = row.side(self.site.peer_id)
        self.assertEqual("replicated-gold", side.volume_type_name)
        self.assertEqual("b@pure#pure", side.backend_name)

    def test_the_engine_is_asked_first_and_rung_last(self) -> None:
        self.tenant("POST", PATH, self.body())
        asked = self.engine.called("precheck")[0]
        self.assertEqual("create", asked["verb"])
        self.assertEqual(served.PROJECT, asked["args"]["project_id"])

    def test_a_refusal_writes_nothing(self) -> None:
        self.engine.refusals["precheck"] = exception.VolumeTypeNotReplicated(
            "volume type not replication-enabled: x"
        )
        answer = self.tenant("POST", PATH, self.body())
        error = self.refused(answer, 400, "VolumeTypeNotReplicated")
        self.assertIn("volume type not replication-enabled", error["message"])
        self.assertEqual([], self.all_operations())
        listed = self.ok(self.tenant("GET", PATH))
        self.assertEqual([], listed["protection_groups"])

    def test_a_dead_peer_is_a_503_that_may_be_repeated(self) -> None:
        self.engine.refusals["precheck"] = exception.PeerUnreachable(
            "secondary site unreachable"
        )
        answer = self.tenant("POST", PATH, self.body())
        self.refused(answer, 503, "PeerUnreachable")
        self.assertIn("Retry-After", answer.headers)

    def test_only_at_its_primary_site(self) -> None:
        body = self.body(
            primary_site_id=self.site.peer_id,
            secondary_site_id=self.site.local_id,
        )
        self.refused(self.tenant("POST", PATH, body), 400, "BadRequest")

    def test_sites_must_exist(self) -> None:
        body = self.body(secondary_site_id="0" * 8 + self.site.peer_id[8:])
        self.refused(self.tenant("POST", PATH, body), 400, "InvalidReference")

    def test_a_name_is_there_once_in_a_project(self) -> None:
        self.ok(self.tenant("POST", PATH, self.body()), 202)
        answer = self.tenant("POST", PATH, self.body())
        self.refused(answer, 409, "NameTaken")
        self.ok(self.tenant("POST", PATH, self.body(), project="p-other"), 202)

    def test_of_two_at_once_one_gets_the_name(self) -> None:
        self.engine.finishes = False
        found = database.race(
            *[lambda: self.tenant("POST", PATH, self.body())] * 4
        )
        codes = sorted(answer.status_code for answer in found)
        self.assertEqual([202, 409, 409, 409], codes)

    def test_bad_bodies(self) -> None:
        for values in (
            {"name": ""},
            {"name": "   "},
            {"name": "a\nb"},
            {"name": "x" * 256},
            {"name": 7},
            {"replication_type": "both"},
            {"primary_site_id": "site-a"},
            {"surprise": 1},
        ):
            answer = self.tenant("POST", PATH, self.body(**values))
            self.refused(answer, 400, "BadRequest")
        self.refused(self.tenant("POST", PATH), 400, "BadRequest")
        self.refused(self.tenant("POST", PATH, []), 400, "BadRequest")

    def test_a_dead_engine_is_a_503(self) -> None:
        self.served.runtime.conf.set_override("rpc_timeout", 1)
        self.engine._server.stop()
        self.engine._server.wait()
        answer = self.tenant("POST", PATH, self.body())
        self.refused(answer, 503, "EngineUnreachable")


class ReadTest(served.ApiTest):
    def test_versions_show_more(self) -> None:
        group_id = self.site.group()
        old = self.ok(self.tenant("GET", f"{PATH}/{group_id}", version="1.1"))
        new = self.ok(self.tenant("GET", f"{PATH}/{group_id}"))
        more = set(new["protection_group"]) - set(old["protection_group"])
        self.assertEqual(
            {
                "allowed_actions",
                "refused_actions",
                "conditions",
                "epoch",
                "metadata_version",
                "drill",
            },
            more,
        )
        shown = new["protection_group"]
        self.assertIn("member_add", shown["allowed_actions"])
        refused = shown["refused_actions"]["failback"]
        self.assertEqual("InvalidStatus", refused["reason"])
        self.assertIn("use failover", refused["message"])

    def test_documented_fields_come_first(self) -> None:
        group_id = self.site.group()
        shown = self.ok(self.tenant("GET", f"{PATH}/{group_id}"))
        self.assertEqual(
            [
                "id",
                "name",
                "description",
                "status",
                "replication_type",
                "primary_site_id",
                "secondary_site_id",
                "current_primary_site_id",
                "consistency_group_id",
                "failover_count",
                "created_at",
            ],
            list(shown["protection_group"])[:11],
        )
        self.assertEqual(
            "2026-11-24T08:00:00Z", shown["protection_group"]["created_at"]
        )

    def test_another_project_sees_nothing(self) -> None:
        group_id = self.site.group()
        path = f"{PATH}/{group_id}"
        for method in ("GET", "DELETE"):
            answer = self.tenant(method, path, project="p-other")
            self.refused(answer, 404, "NotFound")
        # the path of the owner, the token of another
        answer = self.ask("GET", f"/v1/p-here{path}", project="p-other")
        self.refused(answer, 404, "NotFound")
        listed = self.ok(self.tenant("GET", PATH, project="p-other"))
        self.assertEqual([], listed["protection_groups"])

    def test_within_the_own_project_it_is_forbidden(self) -> None:
        path = f"{PATH}/{self.site.group()}"
        for method in ("GET", "DELETE"):
            answer = self.tenant(method, path, roles="auditor")
            error = self.refused(answer, 403, "PolicyForbidden")
            self.assertIn("protection_groups:", error["details"]["rule"])

    def test_only_an_administrator_lists_all_whatever_the_rule(self) -> None:
        self.site.group(project_id="p-other")
        self.served.policy_file(
            '"protector:protection_groups:index": "role:reader"'
        )
        answer = self.tenant("GET", f"{PATH}?all_tenants=true")
        self.refused(answer, 403, "PolicyForbidden")

    def test_an_administrator_sees_all(self) -> None:
        group_id = self.site.group()
        self.ok(self.admin("GET", f"/p-admin{PATH}/{group_id}"))
        mine = self.ok(self.admin("GET", f"/p-admin{PATH}"))
        self.assertEqual([], mine["protection_groups"])
        path = f"/p-admin{PATH}?all_tenants=true"
        everything = self.ok(self.admin("GET", path))
        self.assertEqual(1, len(everything["protection_groups"]))
        answer = self.tenant("GET", f"{PATH}?all_tenants=true")
        self.refused(answer, 403, "PolicyForbidden")

    def test_a_reader_reads_and_changes_nothing(self) -> None:
        group_id = self.site.group()
        path = f"{PATH}/{group_id}"
        self.ok(self.tenant("GET", path, roles="reader"))
        answer = self.tenant("DELETE", path, roles="reader")
        self.refused(answer, 403, "PolicyForbidden")

    def test_pages(self) -> None:
        ids = {self.site.group() for _ in range(5)}
        seen: list[str] = []
        path = f"/v1/p-here{PATH}?limit=2&sort_key=name&sort_dir=desc"
        while path:
            body = self.ok(self.ask("GET", path))
            seen += [g["id"] for g in body["protection_groups"]]
            links = body.get("protection_groups_links", [])
            path = links[0]["href"] if links else ""
            path = path.removeprefix(self.served.url)
        self.assertEqual(ids, set(seen))
        self.assertEqual(5, len(seen))

    def test_bad_queries(self) -> None:
        for query in (
            "surprise=1",
            "limit=0",
            "limit=x",
            "limit=1&limit=2",
            "sort_key=conditions",
            "sort_dir=up",
            "changes_since=yesterday",
            "marker=7",
            "name=%ff",
        ):
            answer = self.tenant("GET", f"{PATH}?{query}")
            self.refused(answer, 400, "BadRequest")
        unknown = self.site.peer_id
        answer = self.tenant("GET", f"{PATH}?marker={unknown}")
        self.refused(answer, 400, "InvalidReference")

    def test_filters(self) -> None:
        self.site.group(name="one")
        self.site.group(name="two")
        body = self.ok(self.tenant("GET", f"{PATH}?name=two"))
        names = [g["name"] for g in body["protection_groups"]]
        self.assertEqual(["two"], names)
        later = "2027-01-01T00:00:00Z"
        body = self.ok(self.tenant("GET", f"{PATH}?changes_since={later}"))
        self.assertEqual([], body["protection_groups"])

    def test_the_consistency_group(self) -> None:
        group_id = self.site.group()
        self.site.member(group_id)
        path = f"{PATH}/{group_id}/consistency-group"
        shown = self.ok(self.tenant("GET", path))["consistency_group"]
        self.assertEqual(1, shown["volume_count"])
        self.assertEqual("replicated-ssd", shown["volume_type_name"])
        self.assertEqual(
            [
                "id",
                "protection_group_id",
                "name",
                "volume_type_id",
                "volume_type_name",
                "backend_name",
                "primary_cg_id",
                "secondary_cg_id",
                "status",
                "volume_count",
            ],
            list(shown)[:10],
        )


class UpdateTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group(name="old")
        self.path = f"{PATH}/{self.group_id}"

    def put(self, **values: Any) -> Any:
        return self.tenant("PUT", self.path, {"protection_group": values})

    def test_the_answer_is_the_truth(self) -> None:
        shown = self.ok(self.put(name="new", description="d"))
        self.assertEqual("new", shown["protection_group"]["name"])
        self.assertEqual(1, shown["protection_group"]["metadata_version"])
        self.assertEqual("new", self.group_row(self.group_id).name)

    def test_what_changes_nothing_is_no_operation(self) -> None:
        self.ok(self.put(name="old", replication_type="async"))
        self.assertEqual([], self.all_operations())

    def test_immutable_is_immutable_when_it_changes(self) -> None:
        for field, value in (
            ("replication_type", "sync"),
            ("volume_type_id", "other"),
            ("primary_site_id", self.site.peer_id),
        ):
            self.refused(self.put(**{field: value}), 400, "ImmutableField")

    def test_what_takes_longer_is_202(self) -> None:
        self.engine.finishes = False
        self.served.runtime.conf.set_override("settle_timeout", 0, "api")
        answer = self.put(name="new")
        self.ok(answer, 202)
        self.assertEqual({"name": "new"}, self.operation_row(answer).args)

    def test_a_failed_operation_is_the_error(self) -> None:
        self.engine.fails_with = served.unreachable()
        error = self.refused(self.put(name="new"), 503, "PeerUnreachable")
        self.assertIn("remote site unreachable", error["message"])

    def test_a_busy_group_refuses(self) -> None:
        self.set_group(self.group_id, operation_id=self.site.peer_id)
        self.refused(self.put(name="new"), 409, "InvalidStatus")

    def test_only_at_the_current_primary(self) -> None:
        self.set_group(
            self.group_id,
            current_primary_site_id=self.site.peer_id,
            status=c.GroupStatus.FAILED_OVER,
        )
        error = self.refused(self.put(name="new"), 409, "NotPrimarySite")
        self.assertEqual("site-b", error["details"]["site"])
        self.assertIn("endpoint", error["details"])

    def test_out_of_sync_refuses(self) -> None:
        self.ok(self.put(name="new"))
        with self.db.writer() as session:
            sync = session.get(models.MetadataSync, self.group_id)
            sync.remote_status = c.SyncStatus.FAILED
        self.refused(self.put(name="newer"), 409, "MetadataOutOfSync")

    def test_the_name_of_another(self) -> None:
        self.site.group(name="taken")
        self.refused(self.put(name="taken"), 409, "NameTaken")


class DeleteTest(served.ApiTest):
    def test_it_goes(self) -> None:
        group_id = self.site.group()
        answer = self.tenant("DELETE", f"{PATH}/{group_id}")
        self.ok(answer, 202)
        operation = self.operation_row(answer)
        self.assertEqual("delete", operation.kind)
        self.until(lambda: self.group_row(group_id) is None)
        gone = self.tenant("GET", f"{PATH}/{group_id}")
        self.refused(gone, 404, "NotFound")
        # its operation stays
        path = f"/operations/{operation.id}"
        self.ok(self.tenant("GET", path))

    def test_undo_copies_are_given_up_on_request_only(self) -> None:
        for query, wanted in (
            ("", False),
            ("?discard_undo=false", False),
            ("?discard_undo=True", True),
        ):
            path = f"{PATH}/{self.site.group()}{query}"
            answer = self.tenant("DELETE", path)
            self.ok(answer, 202)
            operation = self.operation_row(answer)
            self.assertEqual({"discard_undo": wanted}, operation.args)

    def test_no_other_query(self) -> None:
        for query in ("discard_undo=yes", "discard_undo=", "force=true"):
            path = f"{PATH}/{self.site.group()}?{query}"
            self.refused(self.tenant("DELETE", path), 400, "BadRequest")

    def test_not_with_members(self) -> None:
        group_id = self.site.group()
        self.site.member(group_id)
        answer = self.tenant("DELETE", f"{PATH}/{group_id}")
        error = self.refused(answer, 409, "GroupNotEmpty")
        self.assertEqual(1, error["details"]["members"])

    def test_not_in_every_status(self) -> None:
        for status in ("failed_over", "failing_over", "deleting", "creating"):
            group_id = self.site.group(status=status)
            answer = self.tenant("DELETE", f"{PATH}/{group_id}")
            self.refused(answer, 409, "InvalidStatus")
        group_id = self.site.group(status="error")
        self.set_group(group_id, error_verb="create")
        self.ok(self.tenant("DELETE", f"{PATH}/{group_id}"), 202)

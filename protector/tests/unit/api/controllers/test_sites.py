# SPDX-License-Identifier: Apache-2.0
"""Sites over HTTP, for tenants and for operators."""

from typing import Any
import uuid

from protector import exception
from protector.db import models
from protector.db.api import sites
from protector.tests.unit.api import served

PASSWORD = "very-secret-word"


class SitesTest(served.ApiTest):
    def test_tenants_see_names_not_credentials(self) -> None:
        listed = self.ok(self.tenant("GET", "/sites", roles="reader"))["sites"]
        self.assertEqual(["site-a", "site-b"], [s["name"] for s in listed])
        self.assertEqual([True, False], [s["is_local"] for s in listed])
        self.assertNotIn("username", listed[0])
        path = f"/sites/{self.site.peer_id}"
        self.assertEqual(
            "site-b", self.ok(self.tenant("GET", path))["site"]["name"]
        )
        unknown = self.tenant("GET", f"/sites/{uuid.uuid4()}")
        self.refused(unknown, 404, "NotFound")

    def test_filters(self) -> None:
        body = self.ok(self.tenant("GET", "/sites?is_local=true"))
        self.assertEqual(["site-a"], [s["name"] for s in body["sites"]])

    def test_volume_types_are_the_engines(self) -> None:
        row = {
            "id": "t",
            "name": "ssd",
            "replication_type": "async",
            "peer_volume_type_id": None,
        }
        self.engine.answers["volume_types"] = {"types": [row]}
        path = f"/sites/{self.site.peer_id}/volume-types"
        shown = self.ok(self.tenant("GET", path))
        self.assertEqual({"volume_types": [row]}, shown)


class RegistrationTest(served.ApiTest):
    PATH = "/admin/sites"

    def setUp(self) -> None:
        super().setUp()
        self.new_id = str(uuid.uuid4())
        self.engine.answers["register_site"] = {
            "id": self.new_id,
            "endpoint": "http://127.0.0.1:8788",
            "capabilities": {"versions": {}},
        }

    def body(self, **values: Any) -> Any:
        return {
            "site": {
                "name": "site-c",
                "auth_url": "http://127.0.0.1:5000/v3",
                "username": "protector",
                "password": PASSWORD,
                "project_name": "service",
                **values,
            }
        }

    def test_a_site_is_stored_under_its_own_id(self) -> None:
        answer = self.admin("POST", self.PATH, self.body())
        shown = self.ok(answer, 201)["site"]
        self.assertEqual(self.new_id, shown["id"])
        self.assertEqual("Default", shown["user_domain_name"])
        self.assertTrue(
            answer.headers["Location"].endswith(f"/sites/{self.new_id}")
        )

    def test_no_secret_comes_out(self) -> None:
        answer = self.admin("POST", self.PATH, self.body())
        listed = self.admin("GET", self.PATH)
        for text in (answer.text, listed.text, self.log_output):
            self.assertNotIn(PASSWORD, text)
            self.assertNotIn("password", text.lower())
        with self.db.reader() as session:
            sealed = sites.get(session, self.new_id).sealed_password
        self.assertNotIn(PASSWORD, sealed)
        sealer = self.served.runtime.sealer
        self.assertEqual(PASSWORD, sealer.open(sealed))

    def test_only_administrators(self) -> None:
        for method, path in (
            ("GET", self.PATH),
            ("POST", self.PATH),
            ("GET", f"{self.PATH}/{self.site.peer_id}"),
            ("DELETE", f"{self.PATH}/{self.site.peer_id}"),
        ):
            body = self.body() if method == "POST" else None
            answer = self.ask(method, f"/v1{path}", body)
            self.refused(answer, 403, "PolicyForbidden")

    def test_what_does_not_answer_is_not_stored(self) -> None:
        self.engine.refusals["register_site"] = exception.PeerUnreachable(
            "No answer."
        )
        answer = self.admin("POST", self.PATH, self.body())
        self.refused(answer, 503, "PeerUnreachable")
        self.assertEqual(
            2, len(self.ok(self.admin("GET", self.PATH))["sites"])
        )

    def test_once_only(self) -> None:
        self.ok(self.admin("POST", self.PATH, self.body()), 201)
        answer = self.admin("POST", self.PATH, self.body())
        self.refused(answer, 409, "NameTaken")
        answer = self.admin("POST", self.PATH, self.body(name="other"))
        self.refused(answer, 409, "NameTaken")

    def test_update_stays_with_the_same_site(self) -> None:
        self.ok(self.admin("POST", self.PATH, self.body()), 201)
        path = f"{self.PATH}/{self.new_id}"
        change = {"site": {"auth_url": "http://127.0.0.2:5000/v3"}}
        shown = self.ok(self.admin("PUT", path, change))["site"]
        self.assertEqual("http://127.0.0.2:5000/v3", shown["auth_url"])
        asked = self.engine.called("register_site")[-1]["site"]
        self.assertEqual(PASSWORD, asked["password"])
        self.engine.answers["register_site"] = {"id": str(uuid.uuid4())}
        self.refused(self.admin("PUT", path, change), 400, "BadRequest")
        change = {"site": {"description": "second site"}}
        self.ok(self.admin("PUT", path, change))

    def test_new_access_without_any_password(self) -> None:
        path = f"{self.PATH}/{self.site.peer_id}"
        change = {"site": {"auth_url": "http://127.0.0.2:5000/v3"}}
        answer = self.admin("PUT", path, change)
        error = self.refused(answer, 400, "BadRequest")
        self.assertEqual("password", error["details"]["field"])
        self.assertEqual([], self.engine.called("register_site"))

    def test_removal(self) -> None:
        self.site.group()
        path = f"{self.PATH}/{self.site.peer_id}"
        self.refused(self.admin("DELETE", path), 409, "SiteInUse")
        local = f"{self.PATH}/{self.site.local_id}"
        self.refused(self.admin("DELETE", local), 400, "BadRequest")
        self.ok(self.admin("POST", self.PATH, self.body()), 201)
        self.ok(self.admin("DELETE", f"{self.PATH}/{self.new_id}"), 204)

    def test_validate(self) -> None:
        report = {
            "ok": True,
            "checks": [
                {
                    "name": "keystone",
                    "status": "passed",
                    "ok": True,
                    "message": "in",
                    "fix": None,
                }
            ],
        }
        self.engine.answers["validate_site"] = report
        path = f"{self.PATH}/{self.site.peer_id}/action"
        shown = self.ok(self.admin("POST", path, {"validate": {}}))
        self.assertEqual({"report": report}, shown)
        answer = self.admin("POST", path, {"forget": {}})
        self.refused(answer, 400, "BadRequest")


NEW = "0b9ee4ad-6d40-4d0e-9a0a-6f4f8f6f7a11"


class LostTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/admin/sites/{self.site.peer_id}"
        self.group_id = self.site.group()

    def declare(self) -> Any:
        body = {"declare_lost": {}}
        return self.admin("POST", f"{self.path}/action", body)

    def test_one_that_answers_is_not_declared_lost(self) -> None:
        error = self.refused(self.declare(), 409, "InvalidStatus")
        self.assertIn("site-b", error["message"])

    def test_it_is_declared_lost_and_taken_back(self) -> None:
        with self.db.writer() as session:
            row = sites.get(session, self.site.peer_id)
            row.status = "unreachable"
        self.ok(self.declare(), 204)
        shown = self.ok(self.admin("GET", self.path))["site"]
        self.assertEqual((True, "u-1"), (shown["lost"], shown["lost_by"]))
        path = f"/protection-groups/{self.group_id}"
        group = self.ok(self.tenant("GET", path))["protection_group"]
        self.assertIn("delete", group["allowed_actions"])
        self.assertIn("update", group["allowed_actions"])
        self.assertIn("failover", group["refused_actions"])
        body = {"site": {"lost": False}}
        shown = self.ok(self.admin("PUT", self.path, body))["site"]
        self.assertEqual((False, None), (shown["lost"], shown["lost_by"]))
        body = {"site": {"lost": True}}
        self.refused(self.admin("PUT", self.path, body), 400, "BadRequest")

    def replace(self) -> Any:
        body = {"replace": {"secondary_site_id": NEW}}
        return self.admin("POST", f"{self.path}/action", body)

    def test_one_that_is_not_lost_is_not_replaced(self) -> None:
        error = self.refused(self.replace(), 409, "InvalidStatus")
        self.assertIn("Declare it lost", error["message"])

    def test_its_groups_are_protected_at_another_site(self) -> None:
        other = self.site.group(name="other")
        with self.db.writer() as session:
            row = sites.get(session, self.site.peer_id)
            row.status = "unreachable"
            busy = session.get(models.ProtectionGroup, other)
            busy.operation_id = NEW
        self.ok(self.declare(), 204)
        self.engine.answers["precheck"] = {"secondary_project_id": "p-new"}
        shown = self.ok(self.replace(), 202)["replacement"]
        self.assertEqual(NEW, shown["secondary_site_id"])
        told = {g["protection_group_id"]: g for g in shown["groups"]}
        self.assertEqual({self.group_id, other}, set(told))
        self.assertEqual("InvalidStatus", told[other]["error"]["reason"])
        self.assertIsNone(told[other]["operation_id"])
        begun = told[self.group_id]
        self.assertIsNone(begun["error"])
        with self.db.reader() as session:
            row = session.get(models.Operation, begun["operation_id"])
        self.assertEqual("rehome", row.kind)
        self.assertEqual(
            {"secondary_site_id": NEW, "secondary_project_id": "p-new"},
            row.args,
        )

    def test_no_group_is_made_with_it(self) -> None:
        with self.db.writer() as session:
            sites.get(session, self.site.peer_id).lost = True
        body = {
            "name": "web",
            "replication_type": "async",
            "primary_site_id": self.site.local_id,
            "secondary_site_id": self.site.peer_id,
            "volume_type_id": "t",
        }
        answer = self.tenant(
            "POST", "/protection-groups", {"protection_group": body}
        )
        error = self.refused(answer, 400, "InvalidReference")
        self.assertIn("declared lost", error["message"])

# SPDX-License-Identifier: Apache-2.0
"""Tenant mappings over HTTP."""

from typing import Any

from protector.tests.unit.api import served

PATH = "/admin/tenant-mappings"


class TenantMappingsTest(served.ApiTest):
    def body(self, **values: Any) -> Any:
        return {
            "tenant_mapping": {
                "local_project_id": "p-here",
                "remote_site_id": self.site.peer_id,
                "remote_project_id": "p-there",
                **values,
            }
        }

    def test_life(self) -> None:
        answer = self.admin("POST", PATH, self.body())
        made = self.ok(answer, 201)["tenant_mapping"]
        path = f"{PATH}/{made['id']}"
        self.assertEqual(
            {"tenant_mapping": made}, self.ok(self.admin("GET", path))
        )
        query = "?local_project_id=p-here"
        listed = self.ok(self.admin("GET", PATH + query))
        self.assertEqual([made], listed["tenant_mappings"])
        self.ok(self.admin("DELETE", path), 204)
        self.refused(self.admin("GET", path), 404, "NotFound")

    def test_a_project_has_one_counterpart_at_a_site(self) -> None:
        self.ok(self.admin("POST", PATH, self.body()), 201)
        for values in (
            {},
            {"remote_project_id": "p-third"},
            {"local_project_id": "p-third"},
        ):
            answer = self.admin("POST", PATH, self.body(**values))
            self.refused(answer, 409, "NameTaken")

    def test_the_site_must_be_another(self) -> None:
        body = self.body(remote_site_id=self.site.local_id)
        answer = self.admin("POST", PATH, body)
        self.refused(answer, 400, "InvalidReference")

    def test_only_administrators(self) -> None:
        answer = self.ask("POST", f"/v1{PATH}", self.body())
        self.refused(answer, 403, "PolicyForbidden")

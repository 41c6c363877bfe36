# SPDX-License-Identifier: Apache-2.0
"""Another project's rows: in lists, filters, bodies and below one's own."""

from typing import Any

from protector.tests.functional.rbac import case

Json = dict[str, Any]
LISTS = {"protection-groups": "group", "operations": "operation"}


class ListTest(case.RbacTest):
    def setUp(self) -> None:
        super().setUp()
        self.world.reset({})
        self.ids = {kind: self.world.thing(kind) for kind in LISTS.values()}
        self.own = self.people.projects["stranger"]

    def listed(self, person: str, path: str) -> set[str]:
        answer = self.ask(person, "GET", path)
        self.assertEqual(200, answer.status_code, answer.text)
        (rows,) = (v for k, v in answer.json().items() if "_links" not in k)
        return {row["id"] for row in rows}

    def test_the_tenant_sees_its_own(self) -> None:
        for name, kind in LISTS.items():
            path = f"/v1/{self.people.tenant}/{name}"
            for person in ("member", "reader", "admin"):
                self.assertEqual(
                    {self.ids[kind]}, self.listed(person, path), path
                )

    def test_a_stranger_sees_nothing(self) -> None:
        group = self.ids["group"]
        for name in (
            "protection-groups",
            "operations",
            f"operations?protection_group_id={group}",
            "protection-groups?status=active",
        ):
            path = f"/v1/{self.own}/{name}"
            self.assertEqual(set(), self.listed("stranger", path), path)

    def test_an_administrator_sees_all_when_asked_to(self) -> None:
        self.world.group(project_id=self.own)
        for name, kind in LISTS.items():
            path = f"/v1/{self.people.projects['admin']}/{name}"
            self.assertEqual(set(), self.listed("admin", path))
            found = self.listed("admin", f"{path}?all_tenants=true")
            self.assertIn(self.ids[kind], found)
        self.assertEqual(
            2,
            len(
                self.listed(
                    "admin",
                    f"/v1/{self.people.tenant}/protection-groups"
                    "?all_tenants=true",
                )
            ),
        )

    def test_nobody_else_may_ask_for_all(self) -> None:
        for person in ("manager", "member", "reader", "stranger", "peer"):
            for name in LISTS:
                path = f"/v1/{self.people.projects[person]}/{name}"
                answer = self.ask(person, "GET", f"{path}?all_tenants=true")
                self.assertEqual(403, answer.status_code, answer.text)
                self.assertIn("PolicyForbidden", answer.text)


class ReferenceTest(case.RbacTest):
    """An id of another project, where an own one is meant, is answered as
    one that does not exist."""

    def setUp(self) -> None:
        super().setUp()
        self.world.reset({})
        self.theirs = self.world.thing("group")
        own = self.people.projects["stranger"]
        assert own is not None
        self.tenant = f"/v1/{own}"
        self.project = own
        self.own = self.world.group(project_id=own)

    def told(self, method: str, path: str, unknown: str, **kw: Any) -> Json:
        """The refusal, the id left out."""
        answer = self.ask("stranger", method, self.tenant + path, **kw)
        self.assertGreaterEqual(answer.status_code, 400, answer.text)
        error = answer.json()["error"]
        error.pop("request_id")
        error["message"] = error["message"].replace(unknown, "ID")
        error["details"] = str(error["details"]).replace(unknown, "ID")
        return error

    def same(
        self, reason: str, method: str, path: str, theirs: str, body: Any
    ) -> None:
        """:param path: with ``ID`` for the id, likewise ``body``."""
        told = []
        for unknown in (theirs, self.world.new()):
            sent = {} if body is None else {"json": _with(body, unknown)}
            target = path.replace("ID", unknown)
            told.append(self.told(method, target, unknown, **sent))
        self.assertEqual(reason, told[0]["reason"], told[0])
        self.assertEqual(told[1], told[0])

    def test_a_recovery_point(self) -> None:
        guest = self.world.guest_group(project_id=self.project)
        self.same(
            "InvalidReference",
            "POST",
            f"/protection-groups/{guest}/action",
            self.world.point(),
            {"test_failover": {"recovery_point": "ID"}},
        )

    def test_a_member_of_a_boot_tier(self) -> None:
        self.same(
            "InvalidReference",
            "PUT",
            f"/protection-groups/{self.own}/mappings",
            self.world.thing("member"),
            {"mappings": {"boot_tiers": [{"members": ["ID"]}]}},
        )

    def test_a_marker(self) -> None:
        path = "/protection-groups?marker=ID"
        self.same("InvalidReference", "GET", path, self.theirs, None)

    def test_below_an_own_group(self) -> None:
        path = f"/protection-groups/{self.own}/members/ID"
        member = self.world.thing("member")
        for method in ("GET", "DELETE"):
            self.same("NotFound", method, path, member, None)

    def test_in_a_path(self) -> None:
        path = "/protection-groups/ID"
        for method in ("GET", "DELETE"):
            self.same("NotFound", method, path, self.theirs, None)
        operation = self.world.thing("operation")
        self.same("NotFound", "GET", "/operations/ID", operation, None)


def _with(body: Any, value: str) -> Any:
    """The body with an id in the place of ``ID``."""
    if isinstance(body, dict):
        return {key: _with(part, value) for key, part in body.items()}
    if isinstance(body, list):
        return [_with(part, value) for part in body]
    return value if body == "ID" else body

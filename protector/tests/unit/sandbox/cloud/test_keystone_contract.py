# SPDX-License-Identifier: Apache-2.0
"""What Keystone does, real or emulated."""

import secrets
import typing

from keystoneauth1 import exceptions
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import v3
import requests

from protector.tests.fixtures import emulated_cloud
from protector.tests.unit.sandbox.cloud import contract


class KeystoneContractTest(contract.ContractTestCase):
    def post(self, identity: dict[str, typing.Any], scope: typing.Any = None):
        body: dict[str, typing.Any] = {"auth": {"identity": identity}}
        if scope is not None:
            body["auth"]["scope"] = scope
        return requests.post(
            f"{self.under_test.auth_url}/auth/tokens", json=body, timeout=30
        )

    def password(self, password: str = emulated_cloud.PASSWORD):
        user = {"id": self.tenant.current_user_id, "password": password}
        return {"methods": ["password"], "password": {"user": user}}

    def token(self, client: typing.Any) -> str:
        return client.session.get_token()

    def test_versions(self) -> None:
        root = self.under_test.auth_url.removesuffix("/v3")
        answer = requests.get(f"{root}/", timeout=30)
        self.assertEqual(300, answer.status_code)
        values = answer.json()["versions"]["values"]
        self.assertEqual(["v3"], [v["id"].split(".")[0] for v in values])

    def test_a_token_tells_scope_roles_and_catalog(self) -> None:
        scope = {"project": {"id": self.tenant.current_project_id}}
        answer = self.post(self.password(), scope)
        self.assertEqual(201, answer.status_code)
        self.assertTrue(answer.headers["X-Subject-Token"])
        token = answer.json()["token"]
        self.assertEqual(["password"], token["methods"])
        self.assertEqual(
            self.tenant.current_project_id, token["project"]["id"]
        )
        self.assertLessEqual(
            {"member", "reader"}, {role["name"] for role in token["roles"]}
        )
        types = {entry["type"] for entry in token["catalog"]}
        self.assertLessEqual(
            {"identity", "compute", "network", "image", "placement"}, types
        )

    def test_an_unscoped_token_has_neither_roles_nor_catalog(self) -> None:
        token = self.post(self.password(), "unscoped").json()["token"]
        self.assertNotIn("roles", token)
        self.assertNotIn("catalog", token)

    def test_a_wrong_password_is_401(self) -> None:
        answer = self.post(self.password("wrong"))
        self.assertEqual(401, answer.status_code)
        self.assertEqual(401, answer.json()["error"]["code"])
        self.assertEqual("Unauthorized", answer.json()["error"]["title"])

    def test_a_project_without_a_role_is_401(self) -> None:
        scope = {"project": {"id": self.stranger.current_project_id}}
        self.assertEqual(401, self.post(self.password(), scope).status_code)

    def test_a_call_without_a_token_is_401(self) -> None:
        answer = requests.get(
            f"{self.under_test.auth_url}/projects", timeout=30
        )
        self.assertEqual(401, answer.status_code)
        self.assertIn("Keystone uri=", answer.headers["WWW-Authenticate"])

    def test_an_inherited_role_reaches_projects_of_the_domain(self) -> None:
        identity = self.admin.identity
        user = identity.create_user(
            name=f"contract-{secrets.token_hex(4)}",
            password=emulated_cloud.PASSWORD,
            domain_id="default",
        )
        self.addCleanup(identity.delete_user, user)
        role = identity.find_role("admin")
        rule = f"/OS-INHERIT/domains/default/users/{user.id}/roles/{role.id}"
        answer = identity.put(f"{rule}/inherited_to_projects")
        self.assertEqual(204, answer.status_code)
        project_id = self.tenant.current_project_id
        found = self.under_test.login(user.id, project_id)
        self.assertEqual(project_id, found.current_project_id)
        access = found.session.auth.get_access(found.session)
        self.assertLessEqual({"admin", "member"}, set(access.role_names))
        domain = identity.create_domain(name=f"d-{secrets.token_hex(4)}")
        self.addCleanup(identity.delete_domain, domain)
        self.addCleanup(identity.update_domain, domain, enabled=False)
        other = identity.create_project(name="elsewhere", domain_id=domain.id)
        self.addCleanup(identity.delete_project, other)
        elsewhere = self.under_test.login(user.id, other.id)
        self.assertRaises(exceptions.Unauthorized, elsewhere.session.get_token)

    def test_a_role_taken_away_ends_the_token(self) -> None:
        found = self.under_test.member("leaver")
        found.session.get_token()
        role = self.admin.identity.find_role("member")
        self.admin.identity.unassign_project_role_from_user(
            found.current_project_id, found.current_user_id, role
        )
        subject = {"X-Subject-Token": self.token(found)}
        answer = self.admin.identity.get("/auth/tokens", headers=subject)
        self.assertEqual(404, answer.status_code)

    def test_validation_and_revocation(self) -> None:
        scope = {"project": {"id": self.tenant.current_project_id}}
        made = self.post(self.password(), scope)
        subject = {"X-Subject-Token": made.headers["X-Subject-Token"]}
        get = self.admin.identity.get
        seen = get("/auth/tokens", headers=subject)
        self.assertEqual(200, seen.status_code)
        self.assertEqual(
            made.json()["token"]["expires_at"],
            seen.json()["token"]["expires_at"],
        )
        foreign = self.stranger.identity.get("/auth/tokens", headers=subject)
        self.assertEqual(403, foreign.status_code)
        head = self.admin.identity.head("/auth/tokens", headers=subject)
        self.assertEqual(200, head.status_code)
        gone = self.admin.identity.delete("/auth/tokens", headers=subject)
        self.assertEqual(204, gone.status_code)
        again = get("/auth/tokens", headers=subject)
        self.assertEqual(404, again.status_code)

    def test_application_credentials_cannot_request_a_scope(self) -> None:
        made = self.tenant.identity.create_application_credential(
            self.tenant.current_user_id, f"ac-{secrets.token_hex(4)}"
        )
        self.addCleanup(
            self.tenant.identity.delete_application_credential,
            self.tenant.current_user_id,
            made,
        )
        auth = v3.ApplicationCredential(
            auth_url=self.under_test.auth_url,
            application_credential_id=made.id,
            application_credential_secret=made.secret,
        )
        session = keystone_session.Session(auth=auth, timeout=30)
        self.assertEqual(
            self.tenant.current_project_id, session.get_project_id()
        )
        identity = {
            "methods": ["application_credential"],
            "application_credential": {"id": made.id, "secret": made.secret},
        }
        scope = {"project": {"id": self.tenant.current_project_id}}
        answer = self.post(identity, scope)
        self.assertEqual(401, answer.status_code)
        self.assertIn("cannot request a scope", answer.text)

    def test_what_a_member_may_not_do(self) -> None:
        identity = self.tenant.identity
        self.refused(403, lambda: list(identity.projects()))
        self.refused(403, lambda: list(identity.users()))
        self.refused(403, identity.create_project, name="mine")
        self.refused(
            403, identity.get_project, self.stranger.current_project_id
        )
        own = identity.get_project(self.tenant.current_project_id)
        self.assertEqual(self.tenant.current_project_id, own.id)

    def test_my_projects(self) -> None:
        answer = self.tenant.identity.get("/auth/projects").json()
        self.assertEqual(
            [self.tenant.current_project_id],
            [row["id"] for row in answer["projects"]],
        )

    def test_role_assignments(self) -> None:
        user_id = self.tenant.current_user_id
        rows = list(self.admin.identity.role_assignments(user_id=user_id))
        self.assertEqual(1, len(rows))
        self.assertEqual(
            {"project": {"id": self.tenant.current_project_id}}, rows[0].scope
        )
        effective = self.admin.identity.get(
            f"/role_assignments?user.id={user_id}&effective&include_names=1"
        ).json()["role_assignments"]
        self.assertLessEqual(
            {"member", "reader"}, {row["role"]["name"] for row in effective}
        )

    def test_names_are_unique_in_a_domain(self) -> None:
        own = self.admin.identity.get_project(self.tenant.current_project_id)
        self.refused(
            409,
            self.admin.identity.create_project,
            name=own.name,
            domain_id=own.domain_id,
        )
        self.refused(404, self.admin.identity.get_project, "absent")

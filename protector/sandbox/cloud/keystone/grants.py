# SPDX-License-Identifier: Apache-2.0
"""Give, take and list roles; say which roles imply which."""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.keystone import assignments, resources

_GRANT = "/v3/<target>s/<target_id>/users/<user_id>/roles"
_BELOW = (
    "/v3/OS-INHERIT/<target>s/<target_id>/users/<user_id>/roles"
    "/<role_id>/inherited_to_projects"
)
_INHERITED = "OS-INHERIT:inherited_to"


class Grants:
    """The handlers of role assignments."""

    def __init__(
        self, cloud: context.Cloud, roles: assignments.Assignments
    ) -> None:
        self._store = cloud.store
        self._assignments = roles

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield the routes; all are the admin's."""
        one = f"{_GRANT}/<role_id>"
        for target in ("project", "domain"):
            for rule in (one, _BELOW):
                path = rule.replace("<target>", target)
                extra = (target, rule is _BELOW)
                for method, verb in (
                    ("PUT", self._give),
                    ("GET", self._has),
                    ("DELETE", self._take),
                ):
                    handler = _bind(verb, *extra)
                    yield method, path, handler, "admin", "grant"
            path = _GRANT.replace("<target>", target)
            handler = _bind(self._list_on, target, False)
            yield "GET", path, handler, "admin", "list_grants"
        yield "GET", "/v3/role_assignments", self.index, "admin"
        yield "GET", "/v3/role_inferences", self.inferences, "admin"
        rule = "/v3/roles/<prior_id>/implies"
        yield "GET", rule, self.implied, "admin"
        rule += "/<implied_id>"
        yield "PUT", rule, self.imply, "admin"
        yield "GET", rule, self.does_imply, "admin"
        yield "DELETE", rule, self.unimply, "admin"

    def _give(self, target: str, inherited: bool, **ids: str) -> wsgi.Result:
        self._check(target, ids)
        self._assignments.grant(
            ids["role_id"],
            ids["user_id"],
            target,
            ids["target_id"],
            inherited,
        )
        return None

    def _has(self, target: str, inherited: bool, **ids: str) -> wsgi.Result:
        self._find(target, inherited, ids)
        return None

    def _take(self, target: str, inherited: bool, **ids: str) -> wsgi.Result:
        row = self._find(target, inherited, ids)
        self._assignments.table.delete(row["id"])
        return None

    def _list_on(
        self, target: str, inherited: bool, **ids: str
    ) -> wsgi.Result:
        roles = self._store.table("roles")
        rows = self._assignments.table.list(
            target=target,
            target_id=ids["target_id"],
            user_id=ids["user_id"],
            inherited=inherited,
        )
        return {"roles": [roles.get(row["role_id"]) for row in rows]}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """``GET /role_assignments`` with its filters."""
        query = request.query
        rows = (
            self._assignments.effective()
            if _flag(query, "effective")
            else self._assignments.table.list()
        )
        wanted = {
            "user_id": query.get("user.id"),
            "role_id": query.get("role.id"),
            "target_id": query.get("scope.project.id")
            or query.get("scope.domain.id"),
        }
        if query.get("scope.OS-INHERIT:inherited_to"):
            rows = [row for row in rows if row["inherited"]]
        if "group.id" in query or "scope.system" in query:
            rows = []
        found = [
            self._view(request, row, _flag(query, "include_names"))
            for row in rows
            if all(v is None or row[k] == v for k, v in wanted.items())
        ]
        return resources.collection(request, "role_assignments", found)

    def imply(
        self, request: wsgi.Request, prior_id: str, implied_id: str
    ) -> wsgi.Result:
        """Make a role imply another."""
        self._must_exist("roles", prior_id)
        self._must_exist("roles", implied_id)
        self._assignments.imply(prior_id, implied_id)
        return 201, {"role_inference": self._inference(prior_id, implied_id)}

    def does_imply(
        self, request: wsgi.Request, prior_id: str, implied_id: str
    ) -> wsgi.Result:
        """Show one implication, 404 when it is none."""
        self._implication(prior_id, implied_id)
        return {"role_inference": self._inference(prior_id, implied_id)}

    def unimply(
        self, request: wsgi.Request, prior_id: str, implied_id: str
    ) -> wsgi.Result:
        """End an implication."""
        row = self._implication(prior_id, implied_id)
        self._store.table("implied_roles").delete(row["id"])

    def implied(self, request: wsgi.Request, prior_id: str) -> wsgi.Result:
        """List what a role implies by itself."""
        self._must_exist("roles", prior_id)
        return {"role_inference": self._inferences_of(prior_id)}

    def inferences(self, request: wsgi.Request) -> wsgi.Result:
        """List all implications."""
        rows = self._store.table("implied_roles").list()
        priors = sorted({row["prior_id"] for row in rows})
        return {"role_inferences": [self._inferences_of(p) for p in priors]}

    def _inferences_of(self, prior_id: str) -> dict[str, typing.Any]:
        rows = self._store.table("implied_roles").list(prior_id=prior_id)
        return {
            "prior_role": self._role(prior_id),
            "implies": [self._role(row["implied_id"]) for row in rows],
        }

    def _inference(
        self, prior_id: str, implied_id: str
    ) -> dict[str, typing.Any]:
        return {
            "prior_role": self._role(prior_id),
            "implies": self._role(implied_id),
        }

    def _implication(self, prior_id: str, implied_id: str) -> store.Document:
        row = self._store.table("implied_roles").get(
            f"{prior_id}:{implied_id}"
        )
        if row is None:
            raise errors.NotFound(f"{prior_id} does not imply {implied_id}.")
        return row

    def _role(self, role_id: str) -> dict[str, str]:
        row = self._store.table("roles").get(role_id) or {}
        return {"id": role_id, "name": row.get("name", "")}

    def _must_exist(self, table: str, key: str) -> None:
        if key not in self._store.table(table):
            raise errors.NotFound(f"Could not find {table[:-1]}: {key}.")

    def _check(self, target: str, ids: dict[str, str]) -> None:
        self._must_exist(f"{target}s", ids["target_id"])
        self._must_exist("users", ids["user_id"])
        self._must_exist("roles", ids["role_id"])

    def _find(
        self, target: str, inherited: bool, ids: dict[str, str]
    ) -> store.Document:
        self._check(target, ids)
        key = assignments.assignment_id(
            ids["role_id"],
            ids["user_id"],
            target,
            ids["target_id"],
            inherited,
        )
        row = self._assignments.table.get(key)
        if row is None:
            raise errors.NotFound(
                f"Could not find role assignment with role: {ids['role_id']}"
                f", user or group: {ids['user_id']}, project, domain, or "
                f"system: {ids['target_id']}."
            )
        return row

    def _view(
        self, request: wsgi.Request, row: store.Document, names: bool
    ) -> dict[str, typing.Any]:
        def shown(table: str, key: str) -> dict[str, typing.Any]:
            if not names:
                return {"id": key}
            found = self._store.table(table).get(key) or {}
            answer = {"id": key, "name": found.get("name", "")}
            domain = self._store.table("domains").get(
                found.get("domain_id") or ""
            )
            if domain:
                both = {"id": domain["id"], "name": domain["name"]}
                answer["domain"] = both
            return answer

        target = row["target"]
        scope = {target: shown(f"{target}s", row["target_id"])}
        if row["inherited"]:
            scope[_INHERITED] = "projects"
        return {
            "role": shown("roles", row["role_id"]),
            "user": shown("users", row["user_id"]),
            "scope": scope,
            "links": {"assignment": request.base},
        }


def _bind(method: wsgi.Handler, target: str, inherited: bool) -> wsgi.Handler:
    def handler(request: wsgi.Request, **ids: str) -> wsgi.Result:
        return method(target, inherited, **ids)

    return handler


def _flag(query: typing.Any, name: str) -> bool:
    value = query.get(name)
    return value is not None and value.lower() not in ("0", "false")

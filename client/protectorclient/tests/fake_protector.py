# SPDX-License-Identifier: Apache-2.0
"""What Protector answers, by the contract: the page's groups and members.

Operations move on by one step with each look at them.
"""

from __future__ import annotations

import copy
from typing import Any
import uuid

from protectorclient.tests import fake_cloud
from protectorclient.tests.fake_cloud import Answer, Request, error

SITE_A = "5a5a5a5a-0000-4000-8000-00000000000a"
SITE_B = "5b5b5b5b-0000-4000-8000-00000000000b"
TYPE = "77777777-0000-4000-8000-000000000001"
STEPS = ("preflight", "work", "settle")
_GROUP = r"/dr/v1/(?P<t>[^/]+)/protection-groups/(?P<pg>[^/]+)"
_NOW = "2025-06-01T10:00:00Z"


def new_id() -> str:
    """A fresh id."""
    return str(uuid.uuid4())


def check(name: str, status: str, fix: str | None = None) -> dict[str, Any]:
    """One check of a site's validation."""
    return {
        "name": name,
        "status": status,
        "ok": status != "failed",
        "message": f"{name} was looked at",
        "fix": fix,
    }


class FakeProtector(fake_cloud.FakeCloud):
    """One site; ``local`` is its site id."""

    def __init__(self, name: str, local: str = SITE_A) -> None:
        super().__init__(name)
        self.local = local
        self.sites = [
            self._site(SITE_A, "Site A"),
            self._site(SITE_B, "Site B"),
        ]
        self.groups: list[dict[str, Any]] = []
        self.members: list[dict[str, Any]] = []
        self.operations: list[dict[str, Any]] = []
        self.registered: list[dict[str, Any]] = []
        self.mappings: dict[str, Any] = {"networks": [], "flavors": []}
        self.policy: dict[str, Any] = {"rpo_minutes": 15}
        self.sync: dict[str, Any] = {}
        self.plan: dict[str, Any] = {
            "steps": [],
            "preflight": [],
            "predicted_seconds": None,
        }
        self.checks = [check("keystone", "passed")]
        #: What the next operation ends as, and with which error.
        self.fate: tuple[str, dict[str, Any] | None] = ("completed", None)
        self.page = 1000
        self._add_routes()

    def _site(self, site_id: str, name: str) -> dict[str, Any]:
        return {
            "id": site_id,
            "name": name,
            "description": "",
            "status": "active",
            "is_local": site_id == self.local,
            "region_name": "RegionOne",
            "auth_url": "http://127.0.0.1/identity",
        }

    def _add_routes(self) -> None:
        tenant = r"/dr/v1/(?P<t>[^/]+)"
        add = self.add
        add("GET", r"/dr/v1/admin/sites", self._admin_sites)
        add("POST", r"/dr/v1/admin/sites", self._register)
        add("PUT", r"/dr/v1/admin/sites/(?P<id>[^/]+)", self._put_site)
        add("DELETE", r"/dr/v1/admin/sites/.*", self._gone)
        add("POST", r"/dr/v1/admin/sites/.*/action", self._site_action)
        add("GET", r"/dr/v1/admin/tenant-mappings", self._list_pairs)
        add("POST", r"/dr/v1/admin/tenant-mappings", self._show_pair)
        add("GET", r"/dr/v1/admin/tenant-mappings/.*", self._show_pair)
        add("DELETE", r"/dr/v1/admin/tenant-mappings/.*", self._gone)
        add("GET", r"/dr/v1/health", self._health)
        add("GET", tenant + r"/sites", self._list_sites)
        add("GET", tenant + r"/sites/.*/volume-types", self._types)
        add("GET", tenant + r"/sites/(?P<id>[^/]+)", self._show_site)
        add("GET", tenant + r"/protection-groups", self._list_groups)
        add("POST", tenant + r"/protection-groups", self._create)
        add("GET", _GROUP, self._show_group)
        add("PUT", _GROUP, self._put_group)
        add("DELETE", _GROUP, self._delete_group)
        add("GET", _GROUP + "/members", self._list_members)
        add("POST", _GROUP + "/members", self._add_member)
        add("GET", _GROUP + "/members/(?P<m>[^/]+)", self._show_member)
        add("DELETE", _GROUP + "/members/(?P<m>[^/]+)", self._drop_member)
        add("GET", _GROUP + "/sync-status", self._sync_status)
        add("POST", _GROUP + "/sync-force", self._sync_force)
        add("GET", _GROUP + "/health", self._group_health)
        add("GET", _GROUP + "/policy", self._get_policy)
        add("PUT", _GROUP + "/policy", self._put_policy)
        add("DELETE", _GROUP + "/policy", self._gone)
        add("GET", _GROUP + "/consistency-group", self._cg)
        add("GET", _GROUP + "/recovery-points", self._points)
        add("GET", _GROUP + "/mappings", self._get_mappings)
        add("GET", _GROUP + "/mappings/proposal", self._get_mappings)
        add("PUT", _GROUP + "/mappings", self._put_mappings)
        add("POST", _GROUP + "/action", self._group_action)
        add("GET", tenant + "/operations", self._list_operations)
        add("GET", tenant + "/operations/(?P<op>[^/]+)", self._show_op)
        add("POST", tenant + "/operations/(?P<op>.*)/action", self._op_action)

    # sites

    def _admin_sites(self, request: Request) -> Answer:
        return self._paged(request, "sites", self.sites)

    def _list_sites(self, request: Request) -> Answer:
        return self._paged(request, "sites", self.sites)

    def _show_site(self, request: Request) -> Answer:
        return self._one(self.sites, request.groups["id"], "site")

    def _register(self, request: Request) -> Answer:
        self.registered.append(request.body["site"])
        site = self._site(SITE_B, request.body["site"]["name"])
        return Answer(201, {"site": site})

    def _put_site(self, request: Request) -> Answer:
        self.registered.append(request.body["site"])
        return self._one(self.sites, request.groups["id"], "site")

    def _site_action(self, request: Request) -> Answer:
        if "validate" in request.body:
            ok = all(found["ok"] for found in self.checks)
            report = {"ok": ok, "checks": self.checks}
            return Answer(200, {"report": report})
        return Answer(202, {"site": self.sites[1]})

    def _types(self, request: Request) -> Answer:
        row = {
            "id": TYPE,
            "name": "replicated-ssd",
            "replication_type": "async",
            "peer_volume_type_id": TYPE,
        }
        return Answer(200, {"volume_types": [row]})

    def _list_pairs(self, request: Request) -> Answer:
        return self._paged(request, "tenant_mappings", [self._pair()])

    def _show_pair(self, request: Request) -> Answer:
        return Answer(200, {"tenant_mapping": self._pair()})

    def _pair(self) -> dict[str, str]:
        return {
            "id": new_id(),
            "local_project_id": fake_cloud.PROJECT,
            "remote_site_id": SITE_B,
            "remote_project_id": fake_cloud.PROJECT,
        }

    def _gone(self, request: Request) -> Answer:
        return Answer(204)

    def _health(self, request: Request) -> Answer:
        part = {"ok": True, "message": None}
        one = {"api": {"ok": True}, "database": part, "bus": part}
        many = {name: [part] for name in ("engines", "sites", "arrays")}
        return Answer(200, {"health": {"ok": True, **one, **many}})

    # groups

    def make_group(self, name: str, **attrs: Any) -> dict[str, Any]:
        """Add a group that is active."""
        group = {
            "id": new_id(),
            "name": name,
            "description": "Production web application",
            "status": "active",
            "replication_type": "async",
            "primary_site_id": SITE_A,
            "secondary_site_id": SITE_B,
            "current_primary_site_id": SITE_A,
            "consistency_group_id": new_id(),
            "failover_count": 0,
            "created_at": _NOW,
            "project_id": fake_cloud.PROJECT,
            "volume_type_id": TYPE,
            "member_count": 0,
            "replication": {"lag_seconds": None},
            "conditions": [],
            "last_operation_id": None,
            "allowed_actions": ["failover"],
            "refused_actions": {
                "failback": {"reason": "InvalidStatus", "message": "no"}
            },
            **attrs,
        }
        self.groups.append(group)
        return group

    def _create(self, request: Request) -> Answer:
        attrs = request.body["protection_group"]
        if any(g["name"] == attrs["name"] for g in self.groups):
            return error(409, "NameTaken", f"{attrs['name']} is taken")
        group = self.make_group(**{**attrs, "status": "creating"})
        operation = self.make_operation("create", group)
        return self._accepted("protection_group", group, operation)

    def _list_groups(self, request: Request) -> Answer:
        return self._paged(request, "protection_groups", self.groups)

    def _show_group(self, request: Request) -> Answer:
        pg = request.groups["pg"]
        return self._one(self.groups, pg, "protection_group")

    def _put_group(self, request: Request) -> Answer:
        for group in self.groups:
            if group["id"] == request.groups["pg"]:
                group.update(request.body["protection_group"])
        return self._show_group(request)

    def _delete_group(self, request: Request) -> Answer:
        group = self._group(request)
        operation = self.make_operation("delete", group)
        self.groups.remove(group)
        return self._accepted("protection_group", group, operation)

    def _group(self, request: Request) -> dict[str, Any]:
        rows = (g for g in self.groups if g["id"] == request.groups["pg"])
        return next(rows)

    def _group_action(self, request: Request) -> Answer:
        if request.body.get("dry_run"):
            return Answer(200, {"dry_run": self.plan})
        verb = next(iter(request.body))
        operation = self.make_operation(verb, self._group(request))
        return self._accepted("operation", operation, operation)

    def _group_health(self, request: Request) -> Answer:
        body = {"failover_ready": True, "lag_seconds": 200, "link": "up"}
        point = {"created_at": "2025-06-01T10:00:00Z", "rpo_compliant": False}
        body["rpo_history"] = [{**point, "rpo_seconds": 7200}]
        body["rpo_days"] = [
            {"day": "2025-06-01", "transfers": 0, "breaches": 0},
            {
                "day": "2025-05-31",
                "transfers": 9,
                "worst_seconds": 7200,
                "breaches": 2,
            },
        ]
        return Answer(200, {"health": body})

    def _sync_status(self, request: Request) -> Answer:
        headers = {"Date": "Sun, 01 Jun 2025 10:15:10 GMT"}
        return Answer(200, {"sync_status": self.sync}, headers)

    def _sync_force(self, request: Request) -> Answer:
        body = {
            "status": "success",
            "version": 5,
            "duration_ms": 312,
            "operation_id": new_id(),
        }
        return Answer(200, {"sync_force": body})

    def _get_policy(self, request: Request) -> Answer:
        return Answer(200, {"policy": self.policy})

    def _put_policy(self, request: Request) -> Answer:
        given = dict(request.body["policy"])
        kept = dict(self.policy.get("retention") or {})
        if "retention" in given:
            given["retention"] = kept | given["retention"]
        self.policy.update(given)
        return self._get_policy(request)

    def _get_mappings(self, request: Request) -> Answer:
        return Answer(200, {"mappings": self.mappings})

    def _cg(self, request: Request) -> Answer:
        group = self._group(request)
        body = {
            "id": group["consistency_group_id"],
            "protection_group_id": group["id"],
            "name": f"pg-{group['name']}-cg",
            "status": "active",
            "volume_count": 2,
        }
        return Answer(200, {"consistency_group": body})

    def _points(self, request: Request) -> Answer:
        point = {
            "id": new_id(),
            "name": "pg.e1-1",
            "created_at": _NOW,
            "completed_at": None,
            "complete": False,
            "progress": 0.5,
            "bytes": 1024,
            "direction": "primary",
            "source_site_id": SITE_A,
            "target_site_id": SITE_B,
            "epoch": 1,
            "members": [],
            "eligible": False,
            "ineligible_reason": "it has not arrived yet",
            "rpo_seconds": 7200,
            "rpo_compliant": False,
        }
        return self._paged(request, "recovery_points", [point])

    def _put_mappings(self, request: Request) -> Answer:
        self.mappings = request.body["mappings"]
        return self._get_mappings(request)

    # members

    def make_member(self, name: str, volumes: int) -> dict[str, Any]:
        """Add a member that is protected."""
        member = {
            "id": new_id(),
            "protection_group_id": self.groups[0]["id"],
            "instance_id": new_id(),
            "current_instance_id": None,
            "instance_name": name,
            "status": "protected",
            "volumes_added": volumes,
            "volumes": [{"id": new_id()} for _ in range(volumes)],
        }
        self.members.append(member)
        return member

    def _add_member(self, request: Request) -> Answer:
        member = self.make_member("web-server-1", 2)
        member["instance_id"] = request.body["member"]["instance_id"]
        operation = self.make_operation("member_add", self.groups[0])
        return self._accepted("member", member, operation)

    def _list_members(self, request: Request) -> Answer:
        return self._paged(request, "members", self.members)

    def _show_member(self, request: Request) -> Answer:
        return self._one(self.members, request.groups["m"], "member")

    def _drop_member(self, request: Request) -> Answer:
        kept = [m for m in self.members if m["id"] != request.groups["m"]]
        self.members = kept
        return Answer(204)

    # operations

    def make_operation(
        self, kind: str, group: dict[str, Any]
    ) -> dict[str, Any]:
        """Add an operation whose steps are all to be done."""
        steps = [
            {"id": new_id(), "name": name, "member": None, "status": "pending"}
            for name in STEPS
        ]
        operation = {
            "id": new_id(),
            "protection_group_id": group["id"],
            "project_id": fake_cloud.PROJECT,
            "kind": kind,
            "type": None,
            "status": "pending",
            "outcome": None,
            "progress": 0,
            "remaining_seconds": 12,
            "steps": steps,
            "error": None,
            "created_at": _NOW,
            "started_at": _NOW,
            "fate": self.fate,
        }
        self.operations.append(operation)
        group["last_operation_id"] = operation["id"]
        return operation

    def _list_operations(self, request: Request) -> Answer:
        rows = [self._shown(op) for op in reversed(self.operations)]
        return self._paged(request, "operations", rows)

    def _show_op(self, request: Request) -> Answer:
        rows = [o for o in self.operations if o["id"] == request.groups["op"]]
        if not rows:
            return error(404, "NotFound", "no such operation")
        self._advance(rows[0])
        body = {"operation": self._shown(rows[0])}
        return Answer(200, body, {"Retry-After": "0"})

    def _op_action(self, request: Request) -> Answer:
        for op in self.operations:
            if op["id"] == request.groups["op"]:
                op["status"] = (
                    "cancelled" if "cancel" in request.body else ("running")
                )
                return self._accepted("operation", op, op)
        return error(404, "NotFound", "no such operation")

    def _advance(self, operation: dict[str, Any]) -> None:
        if operation["status"] not in ("pending", "running"):
            return
        operation["status"] = "running"
        waiting = [s for s in operation["steps"] if s["status"] != "done"]
        if waiting and waiting[0]["status"] == "running":
            waiting.pop(0)["status"] = "done"
        if waiting:
            waiting[0]["status"] = "running"
        done = len(STEPS) - len(waiting)
        operation["progress"] = 100 * done // len(STEPS)
        if not waiting:
            self._end(operation)

    def _end(self, operation: dict[str, Any]) -> None:
        status, problem = operation["fate"]
        if status == "running":
            return
        operation.update(status=status, error=problem, finished_at=_NOW)
        for group in self.groups:
            if group["id"] == operation["protection_group_id"]:
                group["status"] = (
                    "active" if status == "completed" else ("error")
                )

    # plumbing

    def _shown(self, operation: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in operation.items() if k != "fate"}

    def _accepted(
        self, key: str, row: dict[str, Any], operation: dict[str, Any]
    ) -> Answer:
        path = f"/v1/{fake_cloud.PROJECT}/operations/{operation['id']}"
        shown = copy.deepcopy(self._shown(row))
        return Answer(202, {key: shown}, {"Location": self.url + path})

    def _one(
        self, rows: list[dict[str, Any]], row_id: str, key: str
    ) -> Answer:
        for row in rows:
            if row["id"] == row_id:
                return Answer(200, {key: row})
        return error(404, "NotFound", f"no {key} {row_id}")

    def _paged(
        self, request: Request, key: str, rows: list[dict[str, Any]]
    ) -> Answer:
        query = request.query
        for field in ("name", "protection_group_id", "kind"):
            if field in query:
                rows = [r for r in rows if r.get(field) == query[field]]
        ids = [row["id"] for row in rows]
        first = ids.index(query["marker"]) + 1 if "marker" in query else 0
        page = rows[first : first + int(query.get("limit", self.page))]
        body: dict[str, Any] = {key: page}
        if first + len(page) < len(rows):
            # relative on purpose: the client must not depend on the host
            href = f"/v1/x?marker={page[-1]['id']}&limit={self.page}"
            body[f"{key}_links"] = [{"rel": "next", "href": href}]
        return Answer(200, body)

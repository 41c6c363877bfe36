# SPDX-License-Identifier: Apache-2.0
"""An engine at the other end of the bus: it answers, and settles what the
API accepted without touching any cloud."""

from collections.abc import Callable
from typing import Any

import fixtures
import oslo_messaging as messaging

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import (
    members,
    metadata_sync,
    operations,
    protection_groups,
    replication_policies,
    resource_mappings,
)
from protector.tests.fixtures import site_runtime

Json = dict[str, Any]


class FakeEngine(fixtures.Fixture):
    """Serves the engine's RPC of one site.

    ``answers`` holds the result of a method, or of a method and a verb;
    ``refusals`` the refusal, likewise; ``finishes`` is whether a doorbell
    leads to a settled operation; ``fails_with`` how it ends instead.
    """

    target = messaging.Target(version="1.0")

    def __init__(self, site: site_runtime.SiteRuntime) -> None:
        super().__init__()
        self._site = site
        self.finishes = True
        self.fails_with: exception.ProtectorError | None = None
        self.calls: list[tuple[str, Json]] = []
        self.request_ids: list[str] = []
        self.refusals: dict[Any, exception.ProtectorError] = {}
        self.answers: dict[Any, Any] = {
            ("precheck", "create"): {
                "secondary_project_id": "p-there",
                "volume_type_id": "type-here",
                "volume_type_name": "replicated-ssd",
                "backend_name": "a@pure#pure",
                "secondary_volume_type_id": "type-there",
                "secondary_volume_type_name": "replicated-gold",
                "secondary_backend_name": "b@pure#pure",
            },
            ("precheck", "member_add"): {
                "instance_name": "web-server-1",
                "volume_ids": [],
            },
            "precheck": {},
            "ping": {"host": "controller1", "operations": 0},
        }

    def _setUp(self) -> None:
        bus = self._site.runtime.bus
        self._server = bus.server([self], "engine")
        self._server.start()
        self.addCleanup(bus.close)
        # not waited for: its threads end by themselves in half a second
        self.addCleanup(self._server.stop)

    def called(self, method: str) -> list[Json]:
        """The arguments of each call of a method, in order."""
        return [args for name, args in self.calls if name == method]

    def _answer(self, context: Any, method: str, **args: Any) -> Json:
        self.calls.append((method, args))
        self.request_ids.append(context.request_id)
        for key in ((method, args.get("verb")), method):
            if key in self.refusals:
                return {"error": self.refusals[key].as_dict()}
        for key in ((method, args.get("verb")), method):
            if key in self.answers:
                found = self.answers[key]
                return {"ok": found(**args) if callable(found) else found}
        return {"ok": {}}

    @messaging.expose
    def start(self, context: Any, operation_id: str) -> None:
        self.calls.append(("start", {"operation_id": operation_id}))
        if self.finishes:
            self.settle(operation_id)

    @messaging.expose
    def precheck(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "precheck", **args)

    @messaging.expose
    def plan(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "plan", **args)

    @messaging.expose
    def register_site(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "register_site", **args)

    @messaging.expose
    def validate_site(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "validate_site", **args)

    @messaging.expose
    def volume_types(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "volume_types", **args)

    @messaging.expose
    def propose_mappings(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "propose_mappings", **args)

    @messaging.expose
    def release(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "release", **args)

    @messaging.expose
    def forward(self, context: Any, **args: Any) -> Json:
        return self._answer(context, "forward", **args)

    @messaging.expose
    def ping(self, context: Any) -> Json:
        return self._answer(context, "ping")

    # -- what an engine does with an operation

    def settle(self, operation_id: str) -> None:
        runtime = self._site.runtime
        with runtime.db.writer() as session:
            now = runtime.clock.now()
            row = operations.get(session, operation_id)
            if row.status not in c.UNFINISHED:
                return
            row.started_at = now
            status, error = c.OperationStatus.COMPLETED, None
            if self.fails_with is not None:
                status = c.OperationStatus.FAILED
                error = self.fails_with.as_dict()
            elif row.cancelling:
                status = c.OperationStatus.CANCELLED
            else:
                self._apply(session, row)
            operations.finish(session, now, row, status, error=error)

    def _apply(self, session: Any, row: models.Operation) -> None:
        group = protection_groups.lock(session, row.protection_group_id)
        change = CHANGES.get(c.Verb(row.kind))
        if change is not None:
            change(session, group, row, self._site.runtime)
        if row.kind == c.Verb.DELETE:
            return
        now = self._site.runtime.clock.now()
        if row.kind != c.Verb.SYNC:
            metadata_sync.settle(session, group, self._site.local_id, now)
        sync = metadata_sync.find(session, group.id)
        if sync is not None:
            metadata_sync.confirm(
                session, group.id, metadata_sync.triple(sync), now
            )


def _create(session: Any, group: Any, row: Any, runtime: Any) -> None:
    protection_groups.set_status(group, c.GroupStatus.ACTIVE)


def _update(session: Any, group: Any, row: Any, runtime: Any) -> None:
    for name, value in row.args.items():
        setattr(group, name, value)


def _delete(session: Any, group: Any, row: Any, runtime: Any) -> None:
    protection_groups.forget(session, group.id)


def _member_add(session: Any, group: Any, row: Any, runtime: Any) -> None:
    member = members.get(session, group.id, row.args["member_id"])
    member.status = c.MemberStatus.PROTECTED


def _member_remove(session: Any, group: Any, row: Any, runtime: Any) -> None:
    session.delete(members.get(session, group.id, row.args["member_id"]))


def _policy_set(session: Any, group: Any, row: Any, runtime: Any) -> None:
    replication_policies.set_shared(
        session,
        runtime.clock.now(),
        group.id,
        replication_policies.defaults(runtime.conf.replication),
        row.args,
    )


def _policy_delete(session: Any, group: Any, row: Any, runtime: Any) -> None:
    session.delete(replication_policies.find(session, group.id))


def _mappings_set(session: Any, group: Any, row: Any, runtime: Any) -> None:
    mapping = session.get(models.ResourceMapping, group.id)
    if mapping is None:
        mapping = models.ResourceMapping(
            protection_group_id=group.id, created_at=runtime.clock.now()
        )
        session.add(mapping)
    mapping.mappings = {
        k: v
        for k, v in row.args["mappings"].items()
        if k in resource_mappings.KINDS
    }


CHANGES: dict[c.Verb, Callable[..., None]] = {
    c.Verb.CREATE: _create,
    c.Verb.UPDATE: _update,
    c.Verb.DELETE: _delete,
    c.Verb.MEMBER_ADD: _member_add,
    c.Verb.MEMBER_REMOVE: _member_remove,
    c.Verb.POLICY_SET: _policy_set,
    c.Verb.POLICY_DELETE: _policy_delete,
    c.Verb.MAPPINGS_SET: _mappings_set,
}

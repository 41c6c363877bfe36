# SPDX-License-Identifier: Apache-2.0
"""``.../sync-status`` and ``.../sync-force``."""

from typing import Any

from pecan import rest

from protector import constants as c
from protector.api import (
    acceptance,
    access,
    answers,
    facts,
    validation,
)
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import metadata_sync as schemas
from protector.api.views import metadata_sync as view
from protector.db import models
from protector.db.api import metadata_sync

Json = dict[str, Any]


class SyncStatusController(rest.RestController):
    @expose
    @validation.rules("metadata_sync:show")
    @validation.response(200, schemas.STATUS)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        """Show whether both sites have the same metadata."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            shown = view.show(
                owner,
                metadata_sync.find(session, owner.id),
                facts.site_names(session),
                call.runtime.conf.engine.observe_interval,
                call.now,
            )
        return {"sync_status": shown}


class SyncForceController(rest.RestController):
    @expose
    @validation.rules("metadata_sync:force")
    @validation.response(200, schemas.FORCE)
    @validation.response(202, schemas.FORCE)
    def post(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer | Json:
        """Push the metadata to the peer site now."""
        with call.runtime.db.reader() as session:
            access.group(call, session, group)
        operation = acceptance.accept(
            call, group, acceptance.Change(c.Verb.SYNC, {})
        )
        done = call.settling.wait(operation.id)
        body = self._shown(call, group, done or operation)
        if done is None:
            return answers.accepted(body, operation)
        return body

    def _shown(
        self, call: calls.Call, group_id: str, operation: models.Operation
    ) -> Json:
        with call.runtime.db.reader() as session:
            sync = metadata_sync.find(session, group_id)
        took = None
        if operation.finished_at is not None:
            began = operation.started_at or operation.created_at
            span = operation.finished_at - began
            took = max(0, round(span.total_seconds() * 1000))
        return {
            "sync_force": {
                "status": "pending" if took is None else "success",
                "version": sync.version if sync else 0,
                "duration_ms": took,
                "operation_id": operation.id,
            }
        }

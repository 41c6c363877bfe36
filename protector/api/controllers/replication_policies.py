# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/policy``."""

from typing import Any
from urllib import parse

from pecan import rest
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.api import acceptance, access, answers, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import replication_policies as schemas
from protector.api.views import replication_policies as view
from protector.db import models
from protector.db.api import replication_policies

Json = dict[str, Any]
SET_ARRAYS = "protector:replication_policies:set_arrays"


class ReplicationPolicyController(rest.RestController):
    @expose
    @validation.rules("replication_policies:show")
    @validation.response(200, schemas.SHOW)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        """Show the replication policy of a protection group."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            return _shown(session, owner)

    @expose
    @validation.rules(
        "replication_policies:update", "replication_policies:set_arrays"
    )
    @validation.body(schemas.UPDATE)
    @validation.response(200, schemas.SHOW)
    @validation.response(202, schemas.SHOW)
    def put(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer | Json:
        """Set the replication policy of a protection group."""
        body = call.body["policy"]
        given = {k: body[k] for k in schemas.ARRAY_FIELDS if k in body}
        shared = {k: v for k, v in body.items() if k not in given}
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            if given:
                call.authorize(owner.project_id, SET_ARRAYS)
        arrays = _columns(call, given)
        if not shared:
            with call.runtime.db.writer() as session:
                _set_arrays(call, session, group, arrays)
            return self._now(call, group)
        return self._change(call, group, shared, arrays)

    @expose
    @validation.rules("replication_policies:delete")
    @validation.response(202, schemas.SHOW)
    @validation.response(204, None)
    def delete(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer:
        """Delete the replication policy of a protection group."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            last = _shown(session, owner)
        operation = acceptance.accept(
            call, group, acceptance.Change(c.Verb.POLICY_DELETE, {})
        )
        if call.settling.wait(operation.id) is not None:
            return calls.Answer(None, 204)
        return answers.accepted(last, operation)

    def _change(
        self, call: calls.Call, group: str, shared: Json, arrays: Json
    ) -> calls.Answer | Json:
        def rows(
            session: orm.Session,
            owner: models.ProtectionGroup,
            operation: models.Operation,
        ) -> None:
            if arrays:
                _set_arrays(call, session, owner.id, arrays)

        change = acceptance.Change(c.Verb.POLICY_SET, shared, rows)
        operation = acceptance.accept(call, group, change)
        if call.settling.wait(operation.id) is not None:
            return self._now(call, group)
        return answers.accepted(_wanted(call, group, shared), operation)

    def _now(self, call: calls.Call, group_id: str) -> Json:
        with call.runtime.db.reader() as session:
            owner = session.get_one(models.ProtectionGroup, group_id)
            return _shown(session, owner)


def _shown(session: orm.Session, group: models.ProtectionGroup) -> Json:
    """:raises NotFound: the group has none; the defaults hold."""
    policy = replication_policies.find(session, group.id)
    if policy is None:
        raise exception.NotFound(
            f"Protection group {group.name} has no policy: the defaults of "
            "the service hold.",
            remedy="Set one with PUT.",
        )
    return {"policy": view.show(policy)}


def _wanted(call: calls.Call, group_id: str, shared: Json) -> Json:
    """What the policy will be when the change is settled."""
    defaults = replication_policies.defaults(call.runtime.conf.replication)
    with call.runtime.db.reader() as session:
        policy = replication_policies.find(session, group_id)
        if policy is None:
            policy = models.ReplicationPolicy(created_at=call.now, **defaults)
        completed = replication_policies.completed(policy, shared)
        return {"policy": {**view.show(policy), **completed}}


def _set_arrays(
    call: calls.Call, session: orm.Session, group_id: str, arrays: Json
) -> None:
    defaults = replication_policies.defaults(call.runtime.conf.replication)
    replication_policies.set_arrays(
        session, call.now, group_id, defaults, arrays
    )


def _columns(call: calls.Call, given: Json) -> Json:
    """The columns of the array fields: addresses allowed, tokens sealed."""
    columns: Json = {}
    for name, value in given.items():
        if name.endswith("_token"):
            sealed = None if value is None else call.runtime.sealer.seal(value)
            columns[f"sealed_{name}"] = sealed
        else:
            _check_allowed(call, name, value)
            columns[name] = value
    return columns


def _check_allowed(call: calls.Call, field: str, url: str | None) -> None:
    """:raises InvalidReference: no array of this site's configuration."""
    if url is None:
        return
    conf = call.runtime.conf
    allowed = {
        conf[name].management_address.lower()
        for name in conf.storage.arrays
        if conf[name].management_address
    }
    if parse.urlsplit(url).netloc.lower() not in allowed:
        raise exception.InvalidReference(
            f"{field}: {url} is none of the arrays in [storage] arrays.",
            remedy="Use the address of an array that the operator "
            "configured at this site.",
            field=field,
        )

# SPDX-License-Identifier: Apache-2.0
"""Makes a method of a controller the handler of a route.

Around each call: the context, the declared schemas, the tenant of the path,
and the answer's form.  Pecan sees ``(self, req, resp, *ids)``.
"""

import functools
import inspect
import json
from typing import Any
from urllib import parse

from oslo_log import log as logging
import pecan
import webob

from protector import exception
from protector.api import call as calls
from protector.api import intake, microversion, validation
from protector.context import RequestContext

LOG = logging.getLogger(__name__)

RUNTIME = "protector.runtime"
SETTLING = "protector.settling"
# the name of the path's first id in the handlers of tenants' resources
TENANT = "tenant"


def expose(handler: validation.Handler) -> validation.Handler:
    """Decorator, outermost: ``handler(self, call, *ids)`` answers a dict or
    an ``Answer``."""
    declared = validation.declaration(handler)
    names = list(inspect.signature(handler).parameters)[2:]

    @functools.wraps(handler)
    def serve(self: Any, req: Any, resp: Any, *ids: str) -> webob.Response:
        call = _call(req, declared)
        if TENANT in names:
            _check_tenant(call, ids[names.index(TENANT)])
        answer = handler(self, call, *ids)
        if not isinstance(answer, calls.Answer):
            answer = calls.Answer(answer)
        if not (declared.public or call.authorized):
            raise LookupError(f"{handler.__qualname__} asked no rule")
        _check_answer(call, declared, answer)
        return _render(call, answer)

    serve.__signature__ = _signature(names)  # type: ignore[attr-defined]
    return pecan.expose("json")(serve)


def _signature(names: list[str]) -> inspect.Signature:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    wanted = ["self", "req", "resp", *names]
    return inspect.Signature([inspect.Parameter(n, kind) for n in wanted])


def _call(req: Any, declared: validation.Declaration) -> calls.Call:
    environ = req.environ
    version = environ.get(microversion.ENVIRON, microversion.MINIMUM)
    validation.check_query(declared, version, environ[intake.QUERY])
    validation.check_body(declared, version, environ[intake.BODY])
    return calls.Call(
        runtime=environ[RUNTIME],
        settling=environ[SETTLING],
        context=_context(environ, declared.public),
        version=version,
        query=environ[intake.QUERY],
        body=environ[intake.BODY],
        raw=environ[intake.RAW],
        url=req.application_url,
        path=environ["PATH_INFO"],
        headers=req.headers,
        rules=declared.rules,
    )


def _context(environ: dict[str, Any], public: bool) -> RequestContext:
    """Becomes the context of the thread's log lines, too."""
    if public:
        # without a token the identity headers are whatever was sent
        return RequestContext(request_id=environ["openstack.request_id"])
    return RequestContext.from_environ(environ)


def _check_tenant(call: calls.Call, tenant: str) -> None:
    """:raises NotFound: the path is another project's."""
    if call.context.project_id != tenant and not call.is_admin:
        raise exception.NotFound(
            f"There is no project {tenant} that your token belongs to.",
            remedy="Use the project of your token in the path.",
        )


def _check_answer(
    call: calls.Call, declared: validation.Declaration, answer: calls.Answer
) -> None:
    mode = call.runtime.conf.api.response_validation
    if mode == "ignore":
        return
    wrong = validation.check_response(
        declared, call.version, answer.status, answer.body
    )
    if wrong is None:
        return
    if mode == "error":
        raise LookupError(f"{call.path}: {wrong}")
    LOG.warning("The answer to %s is not as declared: %s", call.path, wrong)


def _render(call: calls.Call, answer: calls.Answer) -> webob.Response:
    response = webob.Response(status=answer.status)
    if answer.body is None:
        response.content_type = None
        response.body = b""
    else:
        response.content_type = "application/json"
        response.charset = "UTF-8"
        response.text = json.dumps(answer.body)
    if answer.location is not None:
        response.location = call.url + parse.quote(answer.location)
    if answer.retry_after is not None:
        response.retry_after = answer.retry_after
    if answer.etag is not None:
        response.etag = answer.etag
        # 304 when the client has it
        response.conditional_response = True
    return response

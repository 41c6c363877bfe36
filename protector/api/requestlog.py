# SPDX-License-Identifier: Apache-2.0
"""One line per request in the log, with its id."""

from typing import Any

from oslo_log import log as logging
from oslo_middleware import request_id
import webob
from webob import dec

from protector import clock as clocks
from protector.context import RequestContext

LOG = logging.getLogger(__name__)


class RequestLog:
    """Middleware; also sets the context of the thread's log lines.

    Queries are left out: what is not needed is not kept.
    """

    def __init__(self, application: Any, clock: clocks.Clock) -> None:
        self._application = application
        self._clock = clock

    @dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        environ = request.environ
        RequestContext(
            request_id=environ.get(request_id.ENV_REQUEST_ID),
            global_request_id=environ.get(request_id.GLOBAL_REQ_ID),
        )
        began = self._clock.monotonic()
        path = environ.get("PATH_INFO", "")
        answer = request.get_response(self._application)
        LOG.info(
            '%s "%s %s" %d %d bytes %.3f s',
            request.client_addr,
            request.method,
            path,
            answer.status_int,
            answer.content_length or 0,
            self._clock.monotonic() - began,
        )
        return answer

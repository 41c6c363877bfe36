# SPDX-License-Identifier: Apache-2.0
"""The engine's RPC endpoint: takes calls, hands them on, answers as data.

A refusal travels as data, so that the API raises it with its reason and
remedy; a traceback never leaves the process.
"""

from collections.abc import Callable
import functools
from typing import Any

from oslo_log import log as logging
import oslo_messaging as messaging

from protector import exception
from protector.context import RequestContext
from protector.engine import (
    dry_run,
    forwarding,
    precheck,
    releasing,
    rpcapi,
    sites,
    validation,
)

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


def answered(method: Callable[..., Any]) -> Callable[..., Json]:
    """Make of a result ``{"ok": ...}``, of a refusal ``{"error": ...}``."""

    @functools.wraps(method)
    def wrapper(self: Any, context: RequestContext, **kwargs: Any) -> Json:
        try:
            return {"ok": method(self, context, **kwargs)}
        except exception.ProtectorError as e:
            LOG.info("%s refused: %s", method.__name__, e)
            return {"error": e.as_dict()}
        except Exception:
            LOG.exception("%s failed unexpectedly", method.__name__)
            return {
                "error": exception.ProtectorError(
                    f"The engine failed unexpectedly in {method.__name__}."
                ).as_dict()
            }

    return messaging.expose(wrapper)


class Manager:
    """:param doorbell: called with the id of an operation to look at.
    :param status: what ``ping`` says of this engine.
    """

    target = messaging.Target(version=rpcapi.VERSION)

    def __init__(
        self,
        runtime: Any,
        site_id: str,
        doorbell: Callable[[str], None],
        status: Callable[[], Json],
    ) -> None:
        self._runtime = runtime
        self._site_id = site_id
        self._doorbell = doorbell
        self._status = status

    @messaging.expose
    def start(self, context: RequestContext, operation_id: str) -> None:
        self._doorbell(operation_id)

    @answered
    def precheck(
        self,
        context: RequestContext,
        verb: str,
        group_id: str | None,
        args: Json,
    ) -> Json:
        return precheck.check(self._runtime, context, verb, group_id, args)

    @answered
    def plan(
        self, context: RequestContext, verb: str, group_id: str, args: Json
    ) -> Json:
        return dry_run.plan(self._runtime, context, verb, group_id, args)

    @answered
    def register_site(self, context: RequestContext, site: Json) -> Json:
        return sites.register(self._runtime, context, site)

    @answered
    def validate_site(self, context: RequestContext, site_id: str) -> Json:
        return validation.validate(self._runtime, context, site_id)

    @answered
    def volume_types(self, context: RequestContext, site_id: str) -> Json:
        return {"types": sites.volume_types(self._runtime, context, site_id)}

    @answered
    def propose_mappings(self, context: RequestContext, group_id: str) -> Json:
        return precheck.propose_mappings(self._runtime, context, group_id)

    @answered
    def release(
        self,
        context: RequestContext,
        group_id: str,
        operation_id: str,
        epoch: int,
    ) -> Json:
        return releasing.release(
            self._runtime, context, group_id, operation_id, epoch
        )

    @answered
    def forward(
        self, context: RequestContext, group_id: str, action: Json
    ) -> Json:
        return forwarding.forward(self._runtime, context, group_id, action)

    @answered
    def ping(self, context: RequestContext) -> Json:
        return self._status()

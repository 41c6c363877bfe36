# SPDX-License-Identifier: Apache-2.0
"""The engine as the API sees it: the client side of the RPC interface.

The only module of the engine that the API imports.  Ids and JSON primitives
cross the bus; a refusal crosses it as data and is raised here again.

Version history:

* 1.0 start, precheck, plan, register_site, update_site, validate_site,
  volume_types, propose_mappings, release, forward, ping
"""

from typing import Any

import oslo_messaging as messaging

from protector import exception, rpc
from protector.context import RequestContext

VERSION = "1.0"
Json = dict[str, Any]


class EngineAPI:
    """Calls the engines of this site."""

    def __init__(self, bus: rpc.Bus) -> None:
        self._client = bus.client(VERSION)

    def start(self, context: RequestContext, operation_id: str) -> None:
        """Ring the doorbell: there is a pending operation.  Never fails:
        a lost ring costs a scan interval."""
        try:
            self._client.cast(context, "start", {"operation_id": operation_id})
        except messaging.MessagingException:
            # the scan finds it
            return

    def precheck(
        self,
        context: RequestContext,
        verb: str,
        group_id: str | None,
        args: Json,
    ) -> Json:
        """The read-only verdict before a 202, raised when it is a refusal.

        :param group_id: None for create.
        :returns: what the engine resolved, by verb: create ->
            ``{"secondary_project_id", "volume_type_id",
            "volume_type_name", "secondary_volume_type_id",
            "secondary_volume_type_name"}``; member_add -> ``{"instance_name",
            "volume_ids"}``; mappings_set -> ``{"mappings"}``; others ``{}``.
        """
        return self._call(
            context, "precheck", verb=verb, group_id=group_id, args=args
        )

    def plan(
        self, context: RequestContext, verb: str, group_id: str, args: Json
    ) -> Json:
        """The dry run: ``{"steps", "preflight", "predicted_seconds"}``."""
        return self._call(
            context, "plan", verb=verb, group_id=group_id, args=args
        )

    def register_site(self, context: RequestContext, site: Json) -> Json:
        """Contact a site with the credentials given (clear password) and
        learn its id: ``{"id", "endpoint", "capabilities"}``.

        :raises PeerUnreachable: it does not answer.
        :raises BadRequest: it answers and refuses the credentials.
        """
        return self._call(context, "register_site", site=site)

    def validate_site(self, context: RequestContext, site_id: str) -> Json:
        """``{"checks": [{"name", "status", "ok", "message", "fix"}],
        "ok"}``."""
        return self._call(context, "validate_site", site_id=site_id)

    def volume_types(
        self, context: RequestContext, site_id: str
    ) -> list[Json]:
        """Replicated types of a site: ``[{"id", "name",
        "replication_type", "peer_volume_type_id"}]``."""
        return self._call(context, "volume_types", site_id=site_id)["types"]

    def propose_mappings(self, context: RequestContext, group_id: str) -> Json:
        """Mappings made from both clouds, in the form PUT takes."""
        return self._call(context, "propose_mappings", group_id=group_id)

    def release(
        self,
        context: RequestContext,
        group_id: str,
        operation_id: str,
        epoch: int,
    ) -> Json:
        """The source of a planned move gives the group away:
        ``{"epoch", "version", "checksum"}``, idempotently.

        :raises LockLost: the lock expired or was replaced.
        :raises UnexpectedState: a source server is not SHUTOFF any more.
        """
        return self._call(
            context,
            "release",
            group_id=group_id,
            operation_id=operation_id,
            epoch=epoch,
        )

    def forward(
        self, context: RequestContext, group_id: str, action: Json
    ) -> Json:
        """Hand a verb to the site that executes it; the operation there.

        :param action: ``{"operation_id", "verb", "args", "user_id",
            "request_id"}``.
        :raises PeerUnreachable: it does not answer.
        """
        return self._call(context, "forward", group_id=group_id, action=action)

    def ping(self, context: RequestContext, timeout: float = 5) -> Json:
        """One engine's word that it lives: ``{"host", "worker",
        "operations", "arrays"}``; of the arrays what it last saw.

        :raises EngineUnreachable: ``details`` say whether the ``bus`` took
            the message.
        """
        return self._call(context, "ping", timeout_=timeout)

    def _call(
        self,
        context: RequestContext,
        method: str,
        timeout_: float | None = None,
        **kwargs: Any,
    ) -> Any:
        try:
            answer = self._client.call(context, method, kwargs, timeout_)
        except messaging.MessagingTimeout:
            raise exception.EngineUnreachable(
                "No protector-engine of this site answered.", bus=True
            ) from None
        except messaging.MessagingException as e:
            raise exception.EngineUnreachable(
                "The message bus of this site does not answer.", bus=False
            ) from e
        if "error" in answer:
            raise exception.from_dict(answer["error"])
        return answer["ok"]

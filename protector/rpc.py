# SPDX-License-Identifier: Apache-2.0
"""The message bus between API and engine of one site.

Ids and JSON primitives only.  The database is the queue, the bus is the
doorbell: a lost message costs a scan interval, never an operation.
"""

from typing import Any

import oslo_messaging as messaging
from oslo_utils import importutils

from protector.context import RequestContext

TOPIC = "protector-engine"


class ContextSerializer(messaging.NoOpSerializer):
    """Carries who asked and the request id, never the token."""

    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        return context.to_rpc()

    def deserialize_context(self, context: dict[str, Any]) -> RequestContext:
        return RequestContext.from_rpc(context)


class Bus:
    """One transport, made from ``conf``."""

    def __init__(self, conf: Any) -> None:
        self._conf = conf
        _register_late_options(conf)
        self._transport = messaging.get_rpc_transport(conf)

    def client(self, version: str) -> Any:
        target = messaging.Target(
            exchange=self._conf.rpc_exchange, topic=TOPIC, version=version
        )
        return messaging.get_rpc_client(
            self._transport,
            target,
            timeout=self._conf.rpc_timeout,
            version_cap=version,
            serializer=ContextSerializer(),
        )

    def server(self, endpoints: list[Any], name: str) -> Any:
        target = messaging.Target(
            exchange=self._conf.rpc_exchange, topic=TOPIC, server=name
        )
        return messaging.get_rpc_server(
            self._transport,
            target,
            endpoints,
            serializer=ContextSerializer(),
            access_policy=messaging.ExplicitRPCAccessPolicy,
        )

    def close(self) -> None:
        self._transport.cleanup()


def _register_late_options(conf: Any) -> None:
    # oslo.messaging 18.3 reads these groups from the given conf but
    # registers them on the global one only; older releases have no such
    # modules
    for module, group in (
        ("oslo_messaging._tracing.client", "oslo_messaging_tracing"),
        ("oslo_messaging._metrics.client", "oslo_messaging_metrics"),
    ):
        late = importutils.try_import(module)
        if late is not None:
            conf.register_opts(getattr(late, group), group=group)

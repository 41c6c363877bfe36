# SPDX-License-Identifier: Apache-2.0
"""The message bus between API and engine of one site.

Ids and JSON primitives only.  The database is the queue, the bus is the
doorbell: a lost message costs a scan interval, never an operation.
"""

from collections.abc import Callable
from concurrent import futures
import threading
from typing import Any

from oslo_log import log as logging
import oslo_messaging as messaging
from oslo_utils import importutils

from protector.context import RequestContext

LOG = logging.getLogger(__name__)
# seconds to ring the doorbell: the request that rings is answered already
CAST_SECONDS = 5.0
# how long after its timeout a call of oslo.messaging has to be over
GRACE_SECONDS = 1.0
# messages under way at once, those that a dead broker holds included
MAX_UNDER_WAY = 256


class ContextSerializer(messaging.NoOpSerializer):
    """Carries who asked and the request id, never the token."""

    def serialize_context(self, context: RequestContext) -> dict[str, Any]:
        return context.to_rpc()

    def deserialize_context(self, context: dict[str, Any]) -> RequestContext:
        return RequestContext.from_rpc(context)


class Client:
    """Sends messages, each within its time, whatever the broker does.

    oslo.messaging waits without a bound for the connection by which answers
    come (``AMQPDriverBase._get_reply_q``), and a broker that accepts and
    says nothing holds a sender too. So each message has a thread of its own,
    which is left behind when its time is over.

    :param client: of oslo.messaging.
    :param timeout: seconds for an answer, unless a call names its own.
    """

    def __init__(self, client: Any, timeout: float) -> None:
        self._client = client
        self._timeout = timeout
        self._free = threading.BoundedSemaphore(MAX_UNDER_WAY)

    def call(
        self,
        context: RequestContext,
        method: str,
        values: dict[str, Any],
        timeout: float | None = None,
    ) -> Any:
        """What the method answers.

        :raises MessagingTimeout: nobody answered.
        :raises MessagingException: the message was not delivered.
        """
        seconds = timeout or self._timeout
        client = self._client.prepare(timeout=seconds)
        return self._within(
            seconds + GRACE_SECONDS,
            lambda: client.call(context, method, **values),
        )

    def cast(
        self, context: RequestContext, method: str, values: dict[str, Any]
    ) -> None:
        """:raises MessagingException: the message was not delivered."""
        self._within(
            CAST_SECONDS, lambda: self._client.cast(context, method, **values)
        )

    def _within(self, seconds: float, send: Callable[[], Any]) -> Any:
        if not self._free.acquire(timeout=seconds):
            raise messaging.MessageDeliveryFailure("too many messages wait")
        answer: futures.Future[Any] = futures.Future()

        def run() -> None:
            try:
                answer.set_result(_delivered(send))
            except messaging.MessagingException as e:
                answer.set_exception(e)
            finally:
                self._free.release()

        threading.Thread(target=run, name="rpc-send", daemon=True).start()
        try:
            return answer.result(seconds)
        except TimeoutError:
            raise messaging.MessageDeliveryFailure(
                "the message bus does not answer"
            ) from None


def _delivered(send: Callable[[], Any]) -> Any:
    """What a library below oslo.messaging raises while it connects gets
    through it untranslated: kombu's ``OperationalError``, for one."""
    try:
        return send()
    except messaging.MessagingException:
        raise
    except Exception as e:
        LOG.warning("A message was not delivered: %s", type(e).__name__)
        raise messaging.MessageDeliveryFailure(
            "the message was not delivered"
        ) from e


class Bus:
    """One transport, made from ``conf``."""

    def __init__(self, conf: Any) -> None:
        self._conf = conf
        _register_late_options(conf)
        self._transport = messaging.get_rpc_transport(conf)

    def _target(self, **values: str) -> messaging.Target:
        # a queue is named by its topic alone: with the same one, two sites
        # on one virtual host would take each other's messages whatever
        # their exchanges are
        exchange = self._conf.rpc_exchange
        return messaging.Target(
            exchange=exchange, topic=f"{exchange}-engine", **values
        )

    def client(self, version: str) -> Client:
        target = self._target(version=version)
        client = messaging.get_rpc_client(
            self._transport,
            target,
            version_cap=version,
            serializer=ContextSerializer(),
            # once more for a connection that broke while nobody used it
            retry=1,
        )
        return Client(client, self._conf.rpc_timeout)

    def server(self, endpoints: list[Any], name: str) -> Any:
        target = self._target(server=name)
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

# SPDX-License-Identifier: Apache-2.0
"""Tells other services what happened, over oslo.messaging.

The start and the end of every operation and every change of a condition, as
``[oslo_messaging_notifications]`` says; by default nobody is told.  A broker
that does not answer delays nothing here: what it does not take is dropped,
and that is logged.
"""

import dataclasses
import math
import queue
import threading
from typing import Any

from oslo_log import log as logging
import oslo_messaging as messaging
from oslo_messaging import opts as messaging_opts

from protector import context

LOG = logging.getLogger(__name__)
GROUP = "oslo_messaging_notifications"
# notifications that wait for the broker, at most
WAITING = 1000
# a process that ends gives them so long
FLUSH_SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Event:
    """:param type: ``protection_group.<verb>.start|end|error`` or
        ``protection_group.condition.change``.
    :param alarming: whether somebody should look.
    :param critical: and at once.
    """

    type: str
    payload: dict[str, Any]
    alarming: bool = False
    critical: bool = False


class Notifications:
    """Of one process; a thread of its own sends them in order.

    :param conf: with the options of oslo.messaging, which are registered
        where they are not yet.
    """

    def __init__(self, conf: Any) -> None:
        self._conf = conf
        for group, found in messaging_opts.list_opts():
            if group == GROUP:
                conf.register_opts(found, group=GROUP)
        self._queue: queue.Queue[Event] = queue.Queue(WAITING)
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, event: Event) -> None:
        """Have an event sent; neither waits nor raises."""
        if not self._conf[GROUP].driver:
            return
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            LOG.warning(
                "Notification %s is dropped: the message bus does not take "
                "the %d before it",
                event.type,
                WAITING,
            )
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._send_all, name="notify", daemon=True
                )
                self._thread.start()

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until what was told is sent, at the end of the process; what
        is not by then is lost, and that is logged."""
        waiting = self._queue
        with waiting.all_tasks_done:
            sent = waiting.all_tasks_done.wait_for(
                lambda: not waiting.unfinished_tasks, seconds
            )
        if not sent:
            LOG.warning(
                "%d notifications are lost: the message bus did not take "
                "them in %g s",
                waiting.unfinished_tasks,
                seconds,
            )

    def _send_all(self) -> None:
        retry = self._conf[GROUP].retry
        notifier = messaging.Notifier(
            messaging.get_notification_transport(self._conf),
            f"protector.{self._conf.host}",
            # a first connection does not take -1 for endless: it gives up
            # (oslo_messaging/_drivers/impl_rabbit.py, ensure_connection)
            retry=math.inf if retry < 0 else retry,
        )
        while True:
            event = self._queue.get()
            try:
                _sender(notifier, event)(
                    context.RequestContext(), event.type, event.payload
                )
            except Exception:
                # one that cannot be sent must not silence the others
                LOG.exception("Notification %s was not sent", event.type)
            finally:
                self._queue.task_done()


def _sender(notifier: messaging.Notifier, event: Event) -> Any:
    if event.critical:
        return notifier.critical
    if event.type.endswith(".error"):
        return notifier.error
    return notifier.warn if event.alarming else notifier.info

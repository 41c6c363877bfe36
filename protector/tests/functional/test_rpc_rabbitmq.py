# SPDX-License-Identifier: Apache-2.0
"""The bus over a real RabbitMQ, and without it."""

import threading
import time
from typing import Any
import uuid

import oslo_messaging as messaging

from protector import context, exception, rpc
from protector.engine import manager, rpcapi
from protector.tests import base
from protector.tests.fixtures import rabbitmq

TOKEN = "gAAAAA-the-users-token"
# seconds that the API waits for an answer
TIMEOUT = 2


class Endpoint:
    """A few methods of the engine."""

    target = messaging.Target(version=rpcapi.VERSION)

    def __init__(self) -> None:
        self.contexts: list[context.RequestContext] = []
        self.rung: list[str] = []
        self.ring = threading.Event()
        self.release_late = threading.Event()

    @messaging.expose
    def start(self, context: Any, operation_id: str) -> None:
        self.contexts.append(context)
        self.rung.append(operation_id)
        self.ring.set()

    @manager.answered
    def precheck(
        self, context: Any, verb: str, group_id: str | None, args: Any
    ) -> Any:
        self.contexts.append(context)
        if verb == "refused":
            raise exception.VolumeTypeMismatch(
                "volume type mismatch: ä", remedy="Retype it.", wanted="gold"
            )
        if verb == "busy":
            raise exception.GroupBusy("busy", operation_id="o", status="s")
        if verb == "crash":
            raise ZeroDivisionError("password=secret")
        return {"verb": verb, "group_id": group_id, "args": args}

    @manager.answered
    def ping(self, context: Any) -> Any:
        self.release_late.wait(30)
        return {"host": "late"}


class RabbitMQTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.broker = rabbitmq.use(self)
        # an exchange for each test: nobody else's answers
        self.exchange = f"test-{uuid.uuid4()}"
        self.endpoint = Endpoint()
        self.context = context.RequestContext(
            user_id="u",
            project_id="p",
            roles=["member"],
            auth_token=TOKEN,
            request_id="req-11111111-2222-3333-4444-555555555555",
        )

    def bus(self) -> rpc.Bus:
        conf = rabbitmq.conf(
            self,
            self.broker.url,
            f"rpc_exchange = {self.exchange}\nrpc_timeout = {TIMEOUT}\n",
        )
        return rpc.Bus(conf)

    def open(self) -> rpc.Bus:
        """A bus that is closed, over a broker that is there again."""
        bus = self.bus()
        self.addCleanup(bus.close)
        self.addCleanup(self.restore)
        return bus

    def restore(self) -> None:
        self.broker.go()
        self.broker.come()

    def api(self) -> rpcapi.EngineAPI:
        bus = self.open()
        return rpcapi.EngineAPI(bus)

    def serve(self) -> None:
        bus = self.open()
        server = bus.server([self.endpoint], "engine-1")
        server.start()
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        self.addCleanup(self.endpoint.release_late.set)
        self.addCleanup(self.restore)

    def precheck(self, api: rpcapi.EngineAPI, verb: str = "create") -> Any:
        return api.precheck(self.context, verb, None, {"n": [1, "ä", None]})

    def unreachable(self, call: Any, within: float) -> None:
        started = time.monotonic()
        error = self.assertRaises(exception.EngineUnreachable, call)
        self.assertLess(time.monotonic() - started, within)
        self.assertEqual(503, error.code)
        self.assertNotIn("@", error.message)


class CallTest(RabbitMQTest):
    def setUp(self) -> None:
        super().setUp()
        self.serve()
        self.engine = self.api()

    def test_a_call_returns(self) -> None:
        self.assertEqual(
            {
                "verb": "create",
                "group_id": None,
                "args": {"n": [1, "ä", None]},
            },
            self.precheck(self.engine),
        )

    def test_a_refusal_arrives_with_reason_and_remedy(self) -> None:
        error = self.assertRaises(
            exception.VolumeTypeMismatch, self.precheck, self.engine, "refused"
        )
        self.assertEqual(
            ("volume type mismatch: ä", "Retype it.", {"wanted": "gold"}, 400),
            (error.message, error.remedy, error.details, error.code),
        )
        error = self.assertRaises(
            exception.InvalidStatus, self.precheck, self.engine, "busy"
        )
        self.assertEqual({"operation_id": "o", "status": "s"}, error.details)

    def test_a_crash_arrives_without_its_words(self) -> None:
        error = self.assertRaises(
            exception.ProtectorError, self.precheck, self.engine, "crash"
        )
        self.assertEqual(500, error.code)
        self.assertNotIn("secret", str(error.as_dict()))

    def test_the_context_has_the_request_id_and_no_token(self) -> None:
        self.precheck(self.engine)
        self.engine.start(self.context, "op-1")
        self.assertTrue(self.endpoint.ring.wait(10))
        for received in self.endpoint.contexts:
            self.assertEqual(self.context.request_id, received.request_id)
            self.assertEqual(
                ("u", "p", ["member"]),
                (received.user_id, received.project_id, received.roles),
            )
            self.assertIsNone(received.auth_token)
        self.assertEqual(2, len(self.endpoint.contexts))
        self.assertIn(self.context.request_id.encode(), self.broker.sent)
        self.assertNotIn(TOKEN.encode(), self.broker.sent)

    def test_the_doorbell_rings(self) -> None:
        self.engine.start(self.context, "op-1")
        self.assertTrue(self.endpoint.ring.wait(10))
        self.assertEqual(["op-1"], self.endpoint.rung)

    def test_two_sites_share_a_broker(self) -> None:
        mine, theirs = self.endpoint, Endpoint()
        self.exchange, self.endpoint = f"test-{uuid.uuid4()}", theirs
        self.serve()
        for number in range(10):
            self.engine.start(self.context, f"op-{number}")
        self.precheck(self.engine)
        self.assertEqual([], theirs.rung)
        self.assertEqual(10, len(mine.rung))

    def test_an_answer_that_does_not_come(self) -> None:
        self.unreachable(lambda: self.engine.ping(self.context, 1), 5)

    def test_a_method_that_the_engine_does_not_have(self) -> None:
        self.unreachable(
            lambda: self.engine.validate_site(self.context, "s"), 5
        )

    def test_it_goes_on_when_the_broker_is_back(self) -> None:
        self.precheck(self.engine)
        self.broker.go()
        self.unreachable(lambda: self.precheck(self.engine), 4 * TIMEOUT)
        self.broker.come()
        self.comes_again()

    def test_it_goes_on_after_garbage(self) -> None:
        self.precheck(self.engine)
        self.broker.garble()
        self.unreachable(lambda: self.precheck(self.engine), 4 * TIMEOUT)
        self.broker.heal()
        self.comes_again()

    def comes_again(self) -> None:
        deadline = time.monotonic() + 40
        while True:
            try:
                self.precheck(self.engine)
                break
            except exception.EngineUnreachable:
                self.assertLess(time.monotonic(), deadline)


class GoneTest(RabbitMQTest):
    """There is no broker, or no engine."""

    def ring(self, api: rpcapi.EngineAPI, within: float) -> None:
        started = time.monotonic()
        api.start(self.context, "op-1")
        self.assertLess(time.monotonic() - started, within)

    def test_no_engine(self) -> None:
        api = self.api()
        self.unreachable(lambda: self.precheck(api), 4 * TIMEOUT)
        self.ring(api, TIMEOUT)

    def test_no_broker_from_the_start(self) -> None:
        self.broker.go()
        api = self.api()
        self.ring(api, 4 * TIMEOUT)
        self.unreachable(lambda: self.precheck(api), 4 * TIMEOUT)

    def test_the_broker_goes_away(self) -> None:
        self.serve()
        api = self.api()
        self.precheck(api)
        self.broker.go()
        self.ring(api, 4 * TIMEOUT)
        self.unreachable(lambda: self.precheck(api), 4 * TIMEOUT)

    def test_an_engine_stops_without_the_broker(self) -> None:
        bus = self.open()
        server = bus.server([self.endpoint], "engine-2")
        server.start()
        # a call would do but for its answer: as long as that is on its way,
        # oslo.messaging waits for the broker
        self.api().start(self.context, "op-1")
        self.assertTrue(self.endpoint.ring.wait(10))
        self.broker.go()

        def stop() -> None:
            server.stop()
            server.wait()

        thread = threading.Thread(target=stop, daemon=True)
        thread.start()
        thread.join(5 * TIMEOUT)
        self.assertFalse(thread.is_alive())

    def test_the_broker_hangs(self) -> None:
        self.serve()
        api = self.api()
        self.precheck(api)
        self.broker.hang()
        self.ring(api, 4 * TIMEOUT)
        self.unreachable(lambda: self.precheck(api), 4 * TIMEOUT)

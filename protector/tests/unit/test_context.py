# SPDX-License-Identifier: Apache-2.0
"""What travels with a call over the bus."""

from protector import context
from protector.tests import base


class RequestContextTest(base.TestCase):
    def test_it_travels_without_the_token(self) -> None:
        sent = context.RequestContext(
            user_id="u",
            project_id="p",
            roles=["member"],
            auth_token="secret",
            global_request_id="req-11111111-2222-3333-4444-555555555555",
        )
        values = sent.to_rpc()
        self.assertNotIn("secret", values.values())
        received = context.RequestContext.from_rpc(values)
        self.assertEqual(values, received.to_rpc())

    def test_a_field_of_the_bus_does_no_harm(self) -> None:
        # RabbitMQ's driver adds this one
        values = context.RequestContext(user_id="u").to_rpc()
        found = context.RequestContext.from_rpc(
            {**values, "client_timeout": 1}
        )
        self.assertEqual("u", found.user_id)

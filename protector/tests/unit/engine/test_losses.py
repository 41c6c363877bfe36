# SPDX-License-Identifier: Apache-2.0
"""What an old Nova is not told, and that it is left out of the request."""

from protector.engine import build, losses
from protector.tests.unit.engine import arrival_case

RECIPE = {"hostname": "web", "tags": ["a"], "description": None}


class LossesTest(arrival_case.ArrivalCase):
    def test_by_the_microversion_that_brought_them(self) -> None:
        for maximum, lost in (
            ((2, 90), []),
            ((2, 89), ["hostname"]),
            ((2, 51), ["tags", "hostname"]),
            ((2, 1), ["tags", "hostname"]),
        ):
            self.assertEqual(lost, losses.of(RECIPE, maximum))

    def test_a_request_has_only_what_nova_takes(self) -> None:
        self.change_member(recipe=arrival_case.recipe(**RECIPE))
        self.set_copy(ports=[])
        self.there.compute.server_maximum = (2, 60)
        ctx = self.again()
        build.create_server(ctx, ctx.member)
        (body,) = self.there.compute.bodies
        self.assertEqual(["a"], body["tags"])
        self.assertNotIn("hostname", body)

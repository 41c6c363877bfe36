# SPDX-License-Identifier: Apache-2.0
"""What a clone has to pass, and how long it is given."""

from typing import Any

from protector import exception
from protector.engine import drill
from protector.engine.steps import drill_checks
from protector.tests.unit.engine import drill_case
from protector.tests.unit.engine import fake_project as fake


class CheckTest(drill_case.DrillCase):
    def setUp(self) -> None:
        super().setUp()
        self.there.compute.rows["s"] = fake.server("s")
        self.there.network.rows["p"] = fake.port("p", device_id="s")
        drill.note(self.ctx, drill.SERVERS, 0, "s")
        drill.note(self.ctx, drill.PORTS, 0, "p")
        self.said = ""
        self.there.compute.console_output = lambda *args: self.said

    def check(self, *checks: str) -> dict[str, Any]:
        self.ctx.operation.args = {"checks": list(checks)} if checks else {}
        told = drill_checks.check(self.again())["checks"]
        return {one["name"]: (one["ok"], one["message"]) for one in told}

    def test_all_is_well_at_first_sight(self) -> None:
        began = self.clock.passed
        self.assertEqual(
            {"active": (True, "ACTIVE"), "ports": (True, "1 of 1 ACTIVE")},
            self.check(),
        )
        self.assertEqual(began, self.clock.passed)

    def test_one_that_failed_is_not_waited_for(self) -> None:
        self.there.compute.rows["s"] = fake.server(
            "s", status="ERROR", fault="No valid host"
        )
        began = self.clock.passed
        told = self.check()
        self.assertEqual((False, "ERROR: No valid host"), told["active"])
        self.assertEqual(began, self.clock.passed)

    def test_what_does_not_come_is_given_its_time(self) -> None:
        self.there.network.rows["p"] = fake.port(
            "p", device_id="s", status="DOWN"
        )
        began = self.clock.passed
        self.assertEqual((False, "0 of 1 ACTIVE"), self.check()["ports"])
        took = self.clock.passed - began
        self.assertEqual(self.runtime.conf.engine.drill_check_timeout, took)

    def test_never_up_to_the_deadline_of_the_step(self) -> None:
        self.runtime.conf.set_override("drill_check_timeout", 9e9, "engine")
        self.assertFalse(self.check("console:x")["console:x"][0])

    def test_what_the_console_says(self) -> None:
        self.said = "Debian web login: "
        self.assertTrue(self.check("console:login:")["console:login:"][0])

    def test_it_says_so_in_time(self) -> None:
        plain = self.clock.wait

        def wait(*args: Any) -> bool:
            self.said = "ready"
            return plain(*args)

        self.clock.wait = wait  # type: ignore[method-assign]
        self.assertTrue(self.check("console:ready")["console:ready"][0])

    def test_a_console_that_cannot_be_read(self) -> None:
        def refuse(*args: Any) -> str:
            raise exception.CloudConflict("not ready")

        self.there.compute.console_output = refuse
        told = self.check("console:x")
        self.assertEqual((False, "not ready"), told["console:x"])

    def test_one_that_was_left_out_fails(self) -> None:
        self.ctx.save(**{f"drill:{self.member_id}": {}})
        self.assertEqual(
            {"recoverable": (False, "not in the point")}, self.check()
        )

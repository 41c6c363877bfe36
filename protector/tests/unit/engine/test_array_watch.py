# SPDX-License-Identifier: Apache-2.0
"""What is told of the arrays, and how often they are asked."""

from typing import Any

from protector import exception
from protector.engine import array_watch
from protector.tests.unit.engine import case


class ArrayWatchTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.watch = array_watch.ArrayWatch(self.runtime)

    def told(self) -> dict[str, Any]:
        return {a["name"]: a["message"] for a in self.watch.seen}

    def test_each_is_told_of(self) -> None:
        self.assertEqual([], self.watch.seen)

        def check(array: Any) -> None:
            if array.name == "array-a":
                raise exception.ArrayUnavailable("no answer")

        self.driver.check = check
        self.watch.run()
        self.assertEqual(
            {"array-a": "no answer", "array-b": None}, self.told()
        )
        self.assertEqual([False, True], [a["ok"] for a in self.watch.seen])

    def test_nonsense_is_told_of(self) -> None:
        self.driver.error = KeyError("version")
        self.watch.run()
        self.assertEqual(
            {"Its answer was not understood."}, {*self.told().values()}
        )

    def test_when(self) -> None:
        for _ in range(2):
            self.watch.run()
        self.assertEqual(2, len(self.driver.named("check")))
        self.clock.advance(self.runtime.conf.engine.observe_interval)
        self.watch.run()
        self.assertEqual(4, len(self.driver.named("check")))

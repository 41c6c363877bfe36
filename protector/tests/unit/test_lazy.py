# SPDX-License-Identifier: Apache-2.0
"""What is found out once for each object, and holds up no other one."""

from concurrent import futures
import threading

from protector import lazy
from protector.tests import base

SECONDS = 20


class Cloud:
    def __init__(self) -> None:
        self.asked = 0
        self.began, self.answers = threading.Event(), threading.Event()

    @lazy.Lazy
    def flavors(self) -> list[str]:
        """Of the site."""
        self.asked += 1
        self.began.set()
        self.answers.wait(SECONDS)
        return ["m1"]


class LazyTest(base.TestCase):
    def test_one_that_hangs_holds_up_no_other(self) -> None:
        lost, left = Cloud(), Cloud()
        left.answers.set()
        with futures.ThreadPoolExecutor(2) as pool:
            pool.submit(lambda: lost.flavors)
            self.assertTrue(lost.began.wait(SECONDS))
            found = pool.submit(lambda: left.flavors)
            try:
                self.assertEqual(["m1"], found.result(SECONDS / 2))
            finally:
                lost.answers.set()

    def test_it_is_asked_once(self) -> None:
        cloud = Cloud()
        cloud.answers.set()
        self.assertEqual((["m1"], ["m1"]), (cloud.flavors, cloud.flavors))
        self.assertEqual(1, cloud.asked)

    def test_what_failed_is_asked_again(self) -> None:
        cloud = Cloud()
        cloud.began = None  # type: ignore[assignment]
        self.assertRaises(AttributeError, lambda: cloud.flavors)
        cloud.began = threading.Event()
        cloud.answers.set()
        self.assertEqual(["m1"], cloud.flavors)

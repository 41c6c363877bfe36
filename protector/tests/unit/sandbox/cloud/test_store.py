# SPDX-License-Identifier: Apache-2.0
"""The store keeps copies, whole transactions, and survives."""

import pathlib
import threading

import fixtures

from protector.sandbox.cloud import store
from protector.tests import base


class StoreTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        self.path = pathlib.Path(directory) / "store"
        self.store = self.opened()
        self.table = self.store.table("servers")

    def opened(self) -> store.Store:
        found = store.Store(self.path)
        self.addCleanup(found.close)
        return found

    def test_documents_are_copies(self) -> None:
        given = {"id": "1", "tags": ["a"]}
        self.table.put(given)
        given["tags"].append("b")
        got = self.table.get("1")
        got["tags"].append("c")
        self.table.list()[0]["tags"].append("d")
        self.assertEqual({"id": "1", "tags": ["a"]}, self.table.get("1"))

    def test_lists_filter_and_keep_the_order(self) -> None:
        for number in (3, 1, 2):
            row = {"id": str(number), "n": number, "odd": number % 2 == 1}
            self.table.put(row)
        self.table.update("3", name="first")
        found = [row["id"] for row in self.opened().table("servers").list()]
        self.assertEqual(["3", "1", "2"], found)
        self.assertEqual(2, self.table.count(odd=True))
        odd = self.table.list(lambda row: row["n"] > 1, odd=True)
        self.assertEqual(["3"], [row["id"] for row in odd])
        self.assertIsNone(self.table.first(odd="no"))

    def test_what_is_absent(self) -> None:
        self.assertIsNone(self.table.get("1"))
        self.assertFalse(self.table.delete("1"))
        self.assertRaises(KeyError, self.table.update, "1", n=1)

    def test_another_process_finds_what_was_written(self) -> None:
        self.table.put({"id": "1", "n": 1})
        self.table.put({"id": "2"})
        self.table.update("1", n=2)
        self.table.delete("2")
        again = self.opened().table("servers")
        self.assertEqual([{"id": "1", "n": 2}], again.list())

    def test_a_failed_transaction_leaves_nothing(self) -> None:
        self.table.put({"id": "1", "n": 1})
        self.table.put({"id": "gone"})

        def fail() -> None:
            with self.store.lock:
                self.table.update("1", n=2)
                self.table.put({"id": "2"})
                with self.store.lock:
                    self.table.delete("gone")
                raise ValueError

        self.assertRaises(ValueError, fail)
        expected = [{"id": "1", "n": 1}, {"id": "gone"}]
        self.assertEqual(
            expected, sorted(self.table.list(), key=lambda row: row["id"])
        )
        self.assertEqual(2, self.opened().table("servers").count())

    def test_nobody_sees_half_a_transaction(self) -> None:
        inside, seen = threading.Event(), []

        def look() -> None:
            inside.wait(5)
            seen.append(self.table.count())

        looker = threading.Thread(target=look)
        looker.start()
        with self.store.lock:
            self.table.put({"id": "1"})
            inside.set()
            looker.join(0.05)
            self.assertEqual([], seen)
            self.table.put({"id": "2"})
        looker.join(5)
        self.assertEqual([2], seen)

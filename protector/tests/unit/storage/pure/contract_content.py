# SPDX-License-Identifier: Apache-2.0
"""What the driver promises of content and of failures, on emulated arrays.

It says nothing of a REST generation: a test module names one by subclassing.
"""

from collections.abc import Callable
import os
import time
from typing import Any

from protector import exception
from protector.storage import base as storage
from protector.tests.fixtures import emulated_arrays
from protector.tests.unit.storage.pure import contract

_CHANGES = "^(POST|PUT|PATCH|DELETE) .*/(vol|pgr|prot)"

MIB = contract.MIB


class ContentContract(contract.ArraysCase):
    def setUp(self) -> None:
        super().setUp()
        self.stage = f"{self.staging}1"

    def written(self, volume: str) -> str:
        """Write something new to a volume of array a; its digest."""
        self.a.write(volume, os.urandom(MIB), offset=MIB)
        return self.a.sha256(volume)

    def overwrite(self, point: str, source: str, target: str) -> None:
        self.driver.overwrite(
            self.direction, point, source, target, self.stage
        )

    def pair(self, size: int = 4) -> tuple[str, str]:
        """A protected volume of 4 MiB and one for its copy."""
        (source,) = self.protected("v1")
        target = self.volume(self.b, "v1-copy", size)
        self.b.write(target, b"what was there before")
        return source, target

    # -- overwrite

    def test_content_of_each_point(self) -> None:
        source, target = self.pair()
        first = self.written(source)
        point = self.point("e1")
        second = self.written(source)
        later = self.point("op-2")
        self.assertNotEqual(first, second)
        serial = self.driver.get_volume(self.b.array, target).serial
        for wanted, name in (
            (first, point),
            (first, point),
            (second, later),
            (first, point),
        ):
            self.overwrite(name, source, target)
            self.assertEqual(wanted, self.b.sha256(target))
        self.assertEqual(second, self.a.sha256(source))
        self.assertEqual(
            serial, self.driver.get_volume(self.b.array, target).serial
        )

    def test_each_volume_of_a_point(self) -> None:
        sources = self.protected("v1", "v2")
        digests = [self.written(name) for name in sources]
        point = self.point("e1")
        targets = [self.volume(self.b, name) for name in ("v1", "v2")]
        for number, (source, target) in enumerate(
            zip(sources, targets, strict=True)
        ):
            self.driver.overwrite(
                self.direction,
                point,
                source,
                target,
                f"{self.staging}{number}",
            )
        self.assertEqual(digests, [self.b.sha256(name) for name in targets])

    def test_target_never_shrinks(self) -> None:
        source, target = self.pair(size=7)
        digest = self.written(source)
        self.overwrite(self.point("e1"), source, target)
        self.assertEqual(digest, self.b.sha256(target))
        self.assertEqual(
            7 * MIB, self.driver.get_volume(self.b.array, target).size
        )

    def test_target_grows(self) -> None:
        source, target = self.pair(size=2)
        digest = self.written(source)
        self.overwrite(self.point("e1"), source, target)
        self.assertEqual(digest, self.b.sha256(target))
        self.assertEqual(
            4 * MIB, self.driver.get_volume(self.b.array, target).size
        )

    def test_staging_that_was_destroyed_is_used_again(self) -> None:
        source, target = self.pair()
        digest = self.written(source)
        point = self.point("e1")
        self.overwrite(point, source, target)
        self.driver.destroy_volumes(self.b.array, self.staging)
        self.overwrite(point, source, target)
        self.assertEqual(digest, self.b.sha256(target))

    def test_late_second_copy_finds_no_source(self) -> None:
        """An adopter destroys the staging volumes of older generations
        while the engine that it replaced is between both copies."""
        source, target = self.pair()
        point = self.point("e1")
        before = self.b.sha256(target)
        adopter = self.make()
        calls = []

        def before_change() -> None:
            calls.append(1)
            if len(calls) == 2:
                adopter.destroy_volumes(self.b.array, self.staging)

        late = self.make(before_change=before_change)
        self.gone(
            late.overwrite, self.direction, point, source, target, self.stage
        )
        self.assertEqual(2, len(calls))
        self.assertEqual(before, self.b.sha256(target))

    def test_lease_lost_before_the_second_copy(self) -> None:
        source, target = self.pair()
        point = self.point("e1")
        before = self.b.sha256(target)
        calls = []

        def before_change() -> None:
            calls.append(1)
            if len(calls) == 2:
                raise exception.LeaseLost("gone")

        late = self.make(before_change=before_change)
        self.assertRaises(
            exception.LeaseLost,
            late.overwrite,
            self.direction,
            point,
            source,
            target,
            self.stage,
        )
        self.assertEqual(before, self.b.sha256(target))

    def test_connected_target_is_refused(self) -> None:
        source, target = self.pair()
        point = self.point("e1")
        before = self.b.sha256(target)
        sdk, host = self.b.sdk(), f"h-{self.tag}"
        sdk.create_host(host)
        sdk.connect_host(host, target)
        asked = self.asked
        error = self.refused(self.overwrite, point, source, target)
        self.assertIn(host, str(error))
        self.assertEqual([host], error.details["hosts"])
        self.assertEqual(
            [host], self.driver.connected_hosts(self.b.array, target)
        )
        self.assertEqual(asked, self.asked)
        self.assertEqual(before, self.b.sha256(target))
        sdk.disconnect_host(host, target)
        self.overwrite(point, source, target)

    def test_what_is_gone(self) -> None:
        source, target = self.pair()
        point = self.point("e1")
        before = self.b.sha256(target)
        self.gone(self.overwrite, f"{point}x", source, target)
        self.gone(self.overwrite, point, "volume-none", target)
        self.gone(self.overwrite, point, source, "volume-none")
        self.b.sdk().destroy_pgroup(point)
        self.gone(self.overwrite, point, source, target)
        self.assertEqual(before, self.b.sha256(target))

    def test_strangers(self) -> None:
        source, target = self.pair()
        point = self.point("e1")
        self.refused(self.overwrite, "array-a:other.e1", source, target)
        self.stage = target
        self.refused(self.overwrite, point, source, target)

    # -- destroy

    def test_destroy_volumes(self) -> None:
        names = [f"protector-{self.tag}-{n}-1" for n in (1, 2, 3)]
        sdk = self.b.sdk()
        for name in (*names, f"volume-{self.tag}"):
            sdk.create_volume(name, MIB)
        prefix = f"protector-{self.tag}-"
        keep = [f"{prefix}3-"]
        self.assertEqual(
            names[:2],
            sorted(self.driver.destroy_volumes(self.b.array, prefix, keep)),
        )
        self.assertEqual(
            [], self.driver.destroy_volumes(self.b.array, prefix, keep)
        )
        sdk.get_volume(names[2])
        sdk.recover_volume(names[0])
        final = self.make(eradicate=True)
        self.assertEqual(
            names[:1], final.destroy_volumes(self.b.array, prefix, keep)
        )
        left = [row["name"] for row in sdk.list_volumes(pending=True)]
        self.assertEqual(
            [names[2]], [name for name in left if name.startswith(prefix)]
        )
        self.refused(self.driver.destroy_volumes, self.b.array, "volume-")
        sdk.get_volume(f"volume-{self.tag}")

    # -- failures

    def test_hung_array(self) -> None:
        self.a.plant({"match": "/api/[12]", "hang": 30})
        hasty = self.make(read_timeout=0.5)
        start = time.monotonic()
        self.assertRaises(
            exception.ArrayUnavailable, hasty.check, self.a.array
        )
        self.assertLess(time.monotonic() - start, 5)

    def test_lost_answers(self) -> None:
        """Whatever change loses its answer: repeating it leads to the end."""
        for lose in range(1, 13):
            with self.subTest(lose=lose):
                self.tag = f"{self.tag}-{lose}"
                self.direction = storage.Direction(
                    self.a.array, self.b.array, f"pg-{self.tag}"
                )
                self._lose(lose)

    def _lose(self, number: int) -> None:
        source, target = self.volume(self.a, "v"), self.volume(self.b, "v")
        digest = self.written(source)
        calls: list[int] = []

        def before_change() -> None:
            calls.append(1)
            if len(calls) == number:
                for array in (self.a, self.b):
                    array.plant(
                        {
                            "match": _CHANGES,
                            "drop": True,
                            "after": True,
                            "count": 1,
                        }
                    )

        self.driver = self.make(before_change=before_change)
        self._repeat(
            self.driver.ensure_protection,
            self.direction,
            [source],
            contract.SCHEDULE,
        )
        self._repeat(self.driver.replicate_now, self.direction, "e1")
        name = f"array-a:{self.direction.group}.e1"
        emulated_arrays.wait_until(
            lambda: name in self.complete(), contract.ARRIVAL_SECONDS
        )
        self._repeat(self.overwrite, name, source, target)
        self._repeat(self.driver.remove_protection, self.direction)
        self.assertGreaterEqual(len(calls), number)
        self.assertEqual(digest, self.b.sha256(target))
        self.assertFalse(self.driver.status(self.direction).group_exists)
        self.arrays.calm()

    def _repeat(self, call: Callable[..., Any], *args: Any) -> Any:
        """Each array loses at most one answer."""
        for _ in range(2):
            try:
                return call(*args)
            except exception.ArrayUnavailable:
                continue
        return call(*args)

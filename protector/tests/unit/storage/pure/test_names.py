# SPDX-License-Identifier: Apache-2.0
"""Names of objects on the array."""

from protector import exception
from protector.storage.pure import names
from protector.tests import base


class TestNames(base.TestCase):
    def test_cinders(self) -> None:
        self.assertEqual("volume-1-cinder", names.volume("1"))
        self.assertEqual("consisgroup-1-cinder", names.group("1"))
        self.assertTrue(names.is_made_by_cinder(names.group("1")))
        self.assertFalse(names.is_made_by_cinder("protector-1"))
        self.assertFalse(names.is_made_by_cinder("x-consisgroup-1-cinder"))

    def test_replicated(self) -> None:
        group = names.replicated("a", "g")
        self.assertEqual("a:g", group)
        self.assertEqual("a:g.s", names.snapshot(group, "s"))
        self.assertEqual("a:g.s.v", names.member("a:g.s", "v"))

    def test_suffix(self) -> None:
        self.assertEqual("s", names.suffix_of("a:g.s", "a:g"))
        for other in ("a:g", "a:g.", "a:g2.s", "b:g.s", "a:g.s.v"):
            self.assertIsNone(names.suffix_of(other, "a:g"), other)

    def test_member(self) -> None:
        self.assertEqual(
            ("a:g.s", "vg/v"), names.split_member("a:g.s.vg/v", "a:g")
        )
        for other in ("a:g.s", "a:g.s.", "a:g2.s.v", "v.s"):
            self.assertIsNone(names.split_member(other, "a:g"), other)

    def test_pods(self) -> None:
        names.refuse_pods("v", "vg/v", "a:g")
        error = self.assertRaises(
            exception.ArrayError, names.refuse_pods, "v", "pod::v"
        )
        self.assertIn("in pod pod", str(error))
        for name, pod, bare in (
            ("pod::v", "pod", "v"),
            ("v", None, "v"),
            ("a:g", None, "a:g"),
        ):
            self.assertEqual(
                (pod, bare), (names.pod_of(name), names.bare(name))
            )
        self.assertEqual("pod::g.s.v", names.member("pod::g.s", "pod::v"))
        self.assertTrue(names.is_made_by_cinder("p::consisgroup-1-cinder"))

    def test_foreign(self) -> None:
        names.refuse_foreign("protector-1-2-")
        for prefix in ("", "volume-", "protector"):
            self.assertRaises(
                exception.ArrayError, names.refuse_foreign, prefix
            )

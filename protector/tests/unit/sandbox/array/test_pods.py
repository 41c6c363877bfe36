# SPDX-License-Identifier: Apache-2.0
"""Pods over both generations of REST, by the vendor's clients."""

from typing import Any
import uuid

import purestorage
import pypureclient
from pypureclient import flasharray

from protector.tests import base
from protector.tests.unit.sandbox.array import processes

_MIB = 1024**2


def client(process: processes.ArrayProcess) -> flasharray.Client:
    """The vendor's client of REST 2.x, verifying the certificate."""
    verified = pypureclient.configuration.Configuration(ssl_ca_cert=process.ca)
    verified.verify_ssl = True
    return flasharray.Client(
        process.target, api_token=processes.TOKEN, configuration=verified
    )


class PodsTest(base.TestCase):
    """Two arrays that are connected for both kinds of replication."""

    one: processes.ArrayProcess
    two: processes.ArrayProcess

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.one, cls.two = processes.connected_pair("sync-replication")
        cls.addClassCleanup(cls.one.remove)
        cls.addClassCleanup(cls.two.remove)
        for process in (cls.one, cls.two):
            process.sdk().create_host("h")

    def setUp(self) -> None:
        super().setUp()
        self.a, self.b = self.one.sdk(), self.two.sdk()
        self.pod = f"pod-{uuid.uuid4().hex[:8]}"

    def stretched(self) -> None:
        """Make the test's pod and stretch it to both arrays."""
        self.a.create_pod(self.pod)
        self.a.add_pod(self.pod, "array-b")

    def refused(self, call: Any, *args: Any, **kwargs: Any) -> str:
        error = self.assertRaises(
            purestorage.PureHTTPError, call, *args, **kwargs
        )
        self.assertEqual(400, error.code)
        return error.text

    def named(self, rows: Any, key: str = "name") -> list[str]:
        """The names of the test's pod's things."""
        return sorted(r[key] for r in rows if self.pod in r[key])

    # -- REST 1.x

    def test_life_and_death(self) -> None:
        self.a.create_pod(self.pod)
        self.assertIn("already exists", self.refused(
            self.a.create_pod, self.pod))  # fmt: skip
        self.a.create_volume(f"{self.pod}::v", "1M")
        self.assertIn("not empty", self.refused(self.a.destroy_pod, self.pod))
        self.a.destroy_volume(f"{self.pod}::v")
        self.a.destroy_pod(self.pod)
        self.assertIn("does not exist", self.refused(
            self.a.get_pod, self.pod))  # fmt: skip
        self.assertIn("has been destroyed", self.refused(
            self.a.create_volume, f"{self.pod}::w", "1M"))  # fmt: skip
        told = self.a.get_pod(self.pod, pending=True)
        self.assertGreater(told["time_remaining"], 0)
        self.a.recover_pod(self.pod)
        self.a.destroy_pod(self.pod)
        self.a.eradicate_pod(self.pod)
        self.a.create_pod(self.pod)
        self.assertEqual([], self.named(self.a.list_volumes()))

    def test_there_must_be_the_pod(self) -> None:
        for call in (self.a.create_volume, self.a.create_pgroup):
            args = ("1M",) if call == self.a.create_volume else ()
            text = self.refused(call, f"{self.pod}::v", *args)
            self.assertIn("Pod does not exist", text)

    def test_a_stretched_pod_is_on_both(self) -> None:
        self.a.create_pod(self.pod)
        made = self.a.create_volume(f"{self.pod}::v", "4M")
        self.a.connect_host("h", f"{self.pod}::v")
        self.one.write(f"{self.pod}::v", 0, b"before")
        self.a.add_pod(self.pod, "array-b")
        for array in (self.a, self.b):
            told = array.get_pod(self.pod)
            self.assertEqual(
                [("array-a", "online"), ("array-b", "online")],
                [(one["name"], one["status"]) for one in told["arrays"]],
            )
        there = self.b.get_volume(f"{self.pod}::v")
        self.assertEqual(made["serial"], there["serial"])
        self.assertEqual(b"before", self.two.read(f"{self.pod}::v", 0, 6))
        self.one.write(f"{self.pod}::v", 0, b"behind")
        self.assertEqual(b"behind", self.two.read(f"{self.pod}::v", 0, 6))

    def test_changes_of_either_are_on_both(self) -> None:
        self.stretched()
        v, w, g = (f"{self.pod}::{name}" for name in "vwg")
        self.b.create_volume(v, "4M")
        self.a.copy_volume(v, w)
        self.b.extend_volume(w, "8M")
        self.a.rename_volume(w, f"{w}2")
        self.b.create_pgroup(g, vollist=[v, f"{w}2"])
        self.a.set_pgroup(g, snap_enabled=False, snap_frequency=900)
        self.b.create_snapshot(v, suffix="s")
        self.a.create_pgroup_snapshot(g, suffix="t")
        for array in (self.a, self.b):
            told = array.get_pgroup(g)
            self.assertEqual([v, f"{w}2"], told["volumes"])
            plan = array.get_pgroup(g, schedule=True)
            self.assertEqual(900, plan["snap_frequency"])
            sizes = {x["name"]: x["size"] for x in array.list_volumes()}
            self.assertEqual(8 * _MIB, sizes[f"{w}2"])
            self.assertEqual(
                [f"{g}.t.v", f"{g}.t.w2", f"{v}.s"],
                self.named(array.list_volumes(snap=True)),
            )
        self.b.set_pgroup(g, remvollist=[v])
        self.b.destroy_pgroup(f"{g}.t")
        self.a.destroy_volume(v)
        self.assertEqual([f"{w}2"], self.named(self.b.list_volumes()))
        self.assertEqual([f"{w}2"], self.a.get_pgroup(g)["volumes"])
        self.assertEqual([], self.named(self.b.list_volumes(snap=True)))
        self.b.recover_volume(v)
        self.assertEqual(
            [f"{v}.s"], self.named(self.a.list_volumes(snap=True))
        )

    def test_what_is_eradicated_is_gone_from_both(self) -> None:
        self.stretched()
        name = f"{self.pod}::v"
        self.a.create_volume(name, "1M")
        self.a.create_snapshot(name, suffix=f"s-{self.pod}")
        self.b.destroy_volume(name)
        self.b.eradicate_volume(name)
        for array in (self.a, self.b):
            for kind in ({}, {"snap": True}):
                rows = array.list_volumes(pending=True, **kind)
                self.assertEqual([], self.named(rows))
        self.a.create_volume(name, "1M")
        self.assertEqual([name], self.named(self.b.list_volumes()))

    def test_from_pod_to_pod_on_the_other_array(self) -> None:
        """How a prestaged copy is overwritten where the guests arrive."""
        self.stretched()
        home = f"{self.pod}-b"
        self.b.create_pod(home)
        self.b.add_pod(home, "array-a")
        v, g, copy = f"{self.pod}::v", f"{self.pod}::g", f"{home}::copy"
        self.a.create_volume(v, "4M")
        self.b.create_volume(copy, "4M")
        serial = self.a.get_volume(copy)["serial"]
        self.a.connect_host("h", v)
        self.one.write(v, 0, b"point")
        self.a.create_pgroup(g, vollist=[v])
        self.a.create_pgroup_snapshot(g, suffix="p")
        self.one.write(v, 0, b"later")
        staging = f"staging-{self.pod}"
        self.b.copy_volume(f"{g}.p.v", staging)
        self.b.copy_volume(staging, copy, overwrite=True)
        for process in (self.one, self.two):
            self.assertEqual(b"point", process.read(copy, 0, 5))
        self.assertEqual(serial, self.a.get_volume(copy)["serial"])
        self.assertNotIn(staging, [x["name"] for x in self.a.list_volumes()])

    def test_groups_stay_in_their_pod(self) -> None:
        self.stretched()
        plain = f"plain-{self.pod}"
        self.a.create_volume(plain, "1M")
        self.a.create_volume(f"{self.pod}::v", "1M")
        self.a.create_pgroup(f"{self.pod}::g")
        self.a.create_pgroup(f"g-{self.pod}")
        for group, values in (
            (f"{self.pod}::g", {"addvollist": [plain]}),
            (f"{self.pod}::g", {"addhostlist": ["h"]}),
            (f"{self.pod}::g", {"addtargetlist": ["array-b"]}),
            (f"g-{self.pod}", {"addvollist": [f"{self.pod}::v"]}),
            (f"{self.pod}::g", {"name": f"h-{self.pod}"}),
        ):
            self.refused(self.a.set_pgroup, group, **values)
        self.refused(self.a.rename_volume, f"{self.pod}::v", f"v-{self.pod}")

    def test_moves(self) -> None:
        name = f"v-{self.pod}"
        self.a.create_volume(name, "1M")
        self.a.create_snapshot(name, suffix="s")
        self.a.create_pod(self.pod)
        moved = self.a.move_volume(name, self.pod)
        self.assertEqual(f"{self.pod}::{name}", moved["name"])
        self.assertEqual(
            [f"{self.pod}::{name}.s"],
            self.named(self.a.list_volumes(snap=True)),
        )
        self.a.add_pod(self.pod, "array-b")
        self.assertIn("stretched", self.refused(
            self.b.move_volume, moved["name"], ""))  # fmt: skip
        self.a.create_volume(name, "1M")
        self.assertIn("stretched", self.refused(
            self.a.move_volume, name, self.pod))  # fmt: skip
        self.a.eradicate_volume(self.a.destroy_volume(name)["name"])
        self.a.remove_pod(self.pod, "array-b")
        self.a.move_volume(moved["name"], "")
        self.assertEqual(moved["serial"], self.a.get_volume(name)["serial"])

    def test_a_move_between_pods_of_the_same_arrays(self) -> None:
        """How Cinder's driver gives a volume another type, by ghost pods."""
        one, two = client(self.one), client(self.two)
        ghost, name = f"ghost-{self.pod}", f"v-{self.pod}"
        self.stretched()
        self.a.create_volume(name, "1M")
        self.a.create_snapshot(name, suffix="s")
        self.a.create_pgroup(f"g-{self.pod}", vollist=[name])
        self.a.create_pgroup_snapshot(f"g-{self.pod}", suffix="t")
        self.a.create_pod(ghost)
        self.assertIn("in a protection group", self.refused(
            self.a.move_volume, name, ghost))  # fmt: skip
        self.a.set_pgroup(f"g-{self.pod}", remvollist=[name])
        self.moved(one, name, ghost)
        self.a.add_pod(ghost, "array-b")
        self.moved(one, f"{ghost}::{name}", self.pod)
        self.moved(two, f"{self.pod}::{name}", ghost)
        self.moved(one, f"{ghost}::{name}", self.pod)
        for array in (self.a, self.b):
            self.assertEqual(
                [f"{self.pod}::{name}.s"],
                [
                    row["name"]
                    for row in array.list_volumes(snap=True)
                    if f"{name}.s" in row["name"]
                ],
            )
        kept = [row["name"] for row in self.a.list_volumes(snap=True)]
        self.assertIn(f"g-{self.pod}.t.{name}", kept)
        self.a.remove_pod(ghost, "array-b")
        self.a.create_volume(f"{ghost}::rest", "1M")
        refused = one.patch_pods(
            names=[ghost], pod=flasharray.PodPatch(destroyed=True)
        )
        self.assertIn("not empty", refused.errors[0].message)
        self.done(
            one.patch_pods(
                names=[ghost],
                destroy_contents=True,
                pod=flasharray.PodPatch(destroyed=True),
            )
        )
        self.assertEqual(400, one.delete_pods(names=[ghost]).status_code)
        self.done(one.delete_pods(names=[ghost], eradicate_contents=True))

    def moved(self, array: Any, name: str, pod: str) -> None:
        self.done(
            array.patch_volumes(
                names=[name],
                volume=flasharray.VolumePatch(
                    pod=flasharray.Reference(name=pod)
                ),
            )
        )

    def test_connections_are_each_arrays_own(self) -> None:
        self.stretched()
        name = f"{self.pod}::v"
        self.a.create_volume(name, "1M")
        self.b.connect_host("h", name)
        self.assertEqual([], self.a.list_volume_private_connections(name))
        self.assertIn("existing connections", self.refused(
            self.a.destroy_volume, name))  # fmt: skip
        self.b.disconnect_host("h", name)
        self.a.destroy_volume(name)

    def test_what_a_stretch_needs(self) -> None:
        self.a.create_pod(self.pod)
        self.refused(self.a.add_pod, self.pod, "array-x")
        self.b.create_pod(self.pod)
        self.assertIn("already exists", self.refused(
            self.a.add_pod, self.pod, "array-b"))  # fmt: skip
        self.b.destroy_pod(self.pod)
        self.b.eradicate_pod(self.pod)
        self.a.add_pod(self.pod, "array-b")
        self.assertIn("already exists", self.refused(
            self.b.add_pod, self.pod, "array-b"))  # fmt: skip
        self.assertIn("stretched", self.refused(
            self.b.destroy_pod, self.pod))  # fmt: skip
        self.assertIn("used by a pod", self.refused(
            self.a.disconnect_array, "array-b"))  # fmt: skip
        self.assertIn("cloned", self.refused(
            self.a.clone_pod, self.pod, f"{self.pod}2"))  # fmt: skip

    def test_unstretched(self) -> None:
        self.stretched()
        self.a.create_volume(f"{self.pod}::v", "1M")
        self.b.remove_pod(self.pod, "array-b")
        self.assertEqual(1, len(self.a.get_pod(self.pod)["arrays"]))
        self.assertEqual([], self.named(self.b.list_volumes()))
        left = self.b.get_pod(f"{self.pod}.restretch", pending=True)
        self.assertGreater(left["time_remaining"], 0)
        self.a.create_volume(f"{self.pod}::w", "1M")
        self.a.add_pod(self.pod, "array-b")
        self.assertEqual(2, len(self.named(self.b.list_volumes())))

    def test_settings(self) -> None:
        self.stretched()
        self.b.set_pod(self.pod, failover_preference=["array-b"])
        told = self.a.get_pod(self.pod, failover_preference=True)
        self.assertEqual(["array-b"], told["failover_preference"])
        self.refused(self.a.set_pod, self.pod, failover_preference=["x"])
        self.b.set_pod(self.pod, mediator="127.0.0.9")
        told = self.a.get_pod(self.pod, mediator=True)
        self.assertEqual("127.0.0.9", told["mediator"])
        self.a.create_volume(f"{self.pod}::v", "1M")
        self.a.rename_pod(self.pod, f"{self.pod}-new")
        self.assertEqual(
            [f"{self.pod}-new::v"], self.named(self.b.list_volumes())
        )

    def test_a_scheduled_snapshot_is_taken_once(self) -> None:
        self.stretched()
        name = f"{self.pod}::g"
        self.a.create_volume(f"{self.pod}::v", "1M")
        self.a.create_pgroup(name, vollist=[f"{self.pod}::v"])
        self.b.set_pgroup(name, snap_enabled=True)

        def taken() -> list[str]:
            rows = self.a.get_pgroup(name, snap=True)
            return [row["name"] for row in rows]

        self.addCleanup(self.a.set_pgroup, name, snap_enabled=False)
        self.assertEqual([f"{name}.1"], processes.eventually(taken))
        self.one.tune(clock_offset=0)
        self.assertEqual([f"{name}.1"], taken())

    # -- REST 2.x

    def done(self, answer: Any) -> Any:
        self.assertEqual(200, answer.status_code, answer)
        return list(answer.items or ())

    def test_the_same_over_rest_2(self) -> None:
        """What Cinder's driver asks for a pod."""
        one, two = self.stretched_over_rest_2()
        (pod,) = self.done(two.get_pods(names=[self.pod]))
        self.assertEqual(2, pod.array_count)
        self.assertEqual(0, pod.link_source_count)
        self.assertEqual(
            {("array-a", "online"), ("array-b", "online")},
            {(array.name, array.status) for array in pod.arrays},
        )
        (held,) = self.done(
            one.get_container_default_protections(names=[self.pod])
        )
        self.assertEqual([], held.default_protections)
        self.assertEqual(2, len(self.done(
            one.get_pods_arrays(group_names=[self.pod]))))  # fmt: skip
        self.done(
            one.patch_pods(
                names=[self.pod],
                pod=flasharray.PodPatch(
                    failover_preferences=[flasharray.Reference(name="array-b")]
                ),
            )
        )
        (pod,) = self.done(two.get_pods(names=[self.pod]))
        self.assertEqual(
            ["array-b"], [array.name for array in pod.failover_preferences]
        )
        self.done(
            two.delete_pods_arrays(
                group_names=[self.pod], member_names=["array-b"]
            )
        )
        gone = one.patch_pods(
            names=[self.pod], pod=flasharray.PodPatch(destroyed=True)
        )
        self.assertEqual(200, gone.status_code)

    def stretched_over_rest_2(self) -> tuple[Any, Any]:
        """Clients of two arrays that have the test's pod."""
        one, two = client(self.one), client(self.two)
        made = self.done(
            one.post_pods(names=[self.pod], pod=flasharray.PodPost())
        )
        self.assertEqual([1], [pod.array_count for pod in made])
        self.done(
            one.post_pods_arrays(
                group_names=[self.pod], member_names=["array-b"]
            )
        )
        again = one.post_pods_arrays(
            group_names=[self.pod], member_names=["array-b"]
        )
        self.assertIn("already exists", again.errors[0].message)
        return one, two

    def test_what_lies_in_a_pod_over_rest_2(self) -> None:
        one, two = self.stretched_over_rest_2()
        name, group = f"{self.pod}::v", f"{self.pod}::g"
        self.done(
            two.post_volumes(
                names=[name], volume=flasharray.VolumePost(provisioned=_MIB)
            )
        )
        found = one.get_volumes(filter=f"pod.name='{self.pod}'")
        self.assertEqual([name], [row.name for row in self.done(found)])
        self.done(two.post_protection_groups(names=[group]))
        self.done(
            two.post_protection_groups_volumes(
                group_names=[group], member_names=[name]
            )
        )
        snapped = one.post_protection_group_snapshots(
            source_names=[group],
            protection_group_snapshot=flasharray.ProtectionGroupSnapshotPost(
                suffix="s"
            ),
        )
        self.done(snapped)
        (member,) = self.done(
            two.get_volume_snapshots(filter=f"name='{group}.s.*'")
        )
        self.assertEqual(f"{group}.s.v", member.name)
        self.assertEqual(self.pod, member.pod.name)
        self.assertEqual("g.s", member.suffix)
        moved = one.patch_volumes(
            names=[name],
            volume=flasharray.VolumePatch(pod=flasharray.Reference(name="")),
        )
        self.assertEqual(400, moved.status_code)
        self.done(
            two.delete_pods_arrays(
                group_names=[self.pod], member_names=["array-b"]
            )
        )
        gone = one.patch_pods(
            names=[self.pod], pod=flasharray.PodPatch(destroyed=True)
        )
        self.assertIn("not empty", gone.errors[0].message)

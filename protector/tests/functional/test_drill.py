# SPDX-License-Identifier: Apache-2.0
"""A drill shows what a failover would bring, and leaves no trace.

Against a sandbox: contents are compared by hash, and what was changed is read
from the logs of the emulated clouds and arrays.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

from openstack import exceptions

from protector.sandbox import guests
from protector.tests.functional import drill_case

Json = dict[str, Any]


class DrillTest(drill_case.DrillCase):
    def test_a_drill_and_its_end(self) -> None:
        written = self.write()
        self.run_verb("replicate", self.a)
        before, calls = self.inventory(), self.called()
        copies, status = self.copies(), self.group().status
        self.dry_runs()
        self.assertEqual({}, self.changes(calls))
        # asked where it is not executed
        started = self.a.run_protection_group(
            self.group_id, "test_failover", checks=["ports"]
        )
        ended = self.follow(started.id, self.b)
        self.check_result(ended)
        self.check_clones(written, ended.result["recovery_point"])
        self.check_untouched(calls, copies)
        self.check_shown(ended, status)
        self.refused("test_failover")
        cleaned = self.run_verb("test_cleanup", self.b)
        self.assertEqual([], cleaned.result["residue"])
        self.assertEqual([], self.remainder(before))
        self.check_untouched(calls, copies)
        self.assertEqual("ended", self.drill()["status"])
        told = self.b.get_operation(ended.id).result
        self.assertEqual([], told["residue"])
        self.assertTrue(told["cleaned_at"])
        self.check_reports(ended)
        self.refused("test_cleanup")
        # nothing stands in the way of the real one, nor of the next drill
        self.run_verb("failover", self.b, type="planned")

    def group(self) -> Any:
        return self.b.get_protection_group(self.group_id)

    def dry_runs(self) -> None:
        for at in (self.a, self.b):
            told = at.dry_run_protection_group(self.group_id, "test_failover")
            self.assertEqual(
                [], [f for f in told["preflight"] if f["severity"] == "error"]
            )
            self.assertIn("drills.clone", [s["name"] for s in told["steps"]])

    def check_result(self, ended: Any) -> None:
        result = ended.result
        self.assertEqual("passed", result["verdict"], result)
        self.assertGreater(result["rto_seconds"], 0)
        self.assertGreaterEqual(result["rpo_seconds"], 0)
        self.assertEqual(
            set(self.SERVERS), {m["name"] for m in self.told(result)}
        )
        for member in self.told(result):
            self.assertEqual(
                ["active", "ports"], [c["name"] for c in member["checks"]]
            )
        delays = [
            s for s in ended.steps if s["name"] == "placement.boot_delay"
        ]
        self.assertEqual(1, len(delays))

    def told(self, result: Json) -> list[Json]:
        return list(result["members"])

    def check_clones(self, written: dict[str, str], point: str) -> None:
        """They hold the point, are as their members are, and on the test
        network."""
        clones = self.clones()
        self.assertEqual(
            {f"{name}-test" for name in self.SERVERS},
            {clone.name for clone in clones},
        )
        net = self.cloud_b.network.find_network("test-net1").id
        found = {}
        for clone in clones:
            self.assertEqual("ACTIVE", clone.status)
            for disk in clone.disks:
                key = disk.key.removesuffix("-test")
                found[key] = guests.whole(self.site_b, disk)
                volume = self.cloud_b.block_storage.get_volume(disk.volume_id)
                self.assertEqual("plain", volume.volume_type)
            ports = list(self.cloud_b.network.ports(device_id=clone.id))
            self.assertEqual([net], [p.network_id for p in ports])
            name = clone.name.removesuffix("-test")
            source = self.cloud_a.network.ports(device_id=self.servers[name])
            self.assertEqual(
                [(p.mac_address, _addresses(p)) for p in source],
                [(p.mac_address, _addresses(p)) for p in ports],
            )
        self.assertEqual(written, found)
        # what the array says of the point itself
        snapshots = {
            self.digest(f"{point}.{name}") for name in self.members_of(point)
        }
        self.assertEqual(snapshots, set(found.values()))

    def members_of(self, point: str) -> list[str]:
        names = []
        for server_id in self.servers.values():
            for row in self.cloud_a.compute.volume_attachments(server_id):
                names.append(f"volume-{row.volume_id}-cinder")
        return names

    def check_untouched(
        self, calls: dict[str, Json], copies: dict[str, str]
    ) -> None:
        """Nothing was asked of the source, and nothing done to the copies or
        to what replicates."""
        fresh = self.changes(calls)
        self.assertEqual([], [k for k in fresh if k.startswith("cloud-a")])
        self.assertEqual([], [k for k in fresh if k.startswith("array-a")])
        self.assertEqual(
            [],
            [
                call
                for call in fresh.values()
                if re.search("pgroup|protection-group", call["path"])
            ],
        )
        now = self.copies()
        self.assertEqual(copies, {k: v for k, v in now.items() if k in copies})
        for name in copies:
            self.assertEqual(
                [], [k for k, v in fresh.items() if name in repr(v)], name
            )

    def check_shown(self, ended: Any, status: str) -> None:
        for at in (self.a, self.b):
            self.until(
                "the drill is shown at both sites",
                lambda at=at: (
                    self.drill(at) and self.drill(at)["status"] == "running"
                ),
            )
            group = at.get_protection_group(self.group_id)
            self.assertEqual(status, group.status)
            self.assertEqual(ended.id, group.drill["operation_id"])
            self.assertEqual("passed", group.drill["verdict"])
            self.assertTrue(group.drill["expires_at"])

    def check_reports(self, ended: Any) -> None:
        """What an auditor wants to know of it, in each form."""
        result = json.loads(self.report(ended, "json"))["result"]
        self.assertEqual(
            ("passed", []), (result["verdict"], result["residue"])
        )
        told = [
            "test failover of tried: completed, passed",
            "RTO (from the start to the last running server)",
            "RPO (age of the recovery point at the start)",
            result["recovery_point"],
            *self.SERVERS,
            "ports",
            "ACTIVE",
            "none found",
        ]
        for form in ("markdown", "html"):
            text = self.report(ended, form)
            self.assertEqual([], [w for w in told if w not in text], text)

    def report(self, operation: Any, form: str) -> str:
        words = ("protector", "operation", "report", operation.id, "-f", form)
        done = subprocess.run(
            (str(pathlib.Path(sys.executable).with_name("openstack")), *words),
            env={
                **os.environ,
                "OS_CLIENT_CONFIG_FILE": str(self.sandbox.layout.clouds_yaml),
                "OS_CLOUD": "site-b",
            },
            capture_output=True,
            check=True,
            text=True,
            timeout=120,
        )
        return done.stdout

    def refused(self, verb: str) -> None:
        for at in (self.a, self.b):
            error = self.assertRaises(
                exceptions.ConflictException,
                at.run_protection_group,
                self.group_id,
                verb,
            )
            self.assertIn("drill", str(error))


def _addresses(port: Any) -> list[str]:
    return sorted(ip["ip_address"] for ip in port.fixed_ips)

# SPDX-License-Identifier: Apache-2.0
"""The chapter before the examples: what is needed, and each call once."""

from importlib import metadata
import json
import pathlib
from typing import Any

from protector import policies
from protector.tests import source
from protector.tests.page import walk

UNITS = source.ROOT / "etc" / "systemd"
CLOUDS = ".config/openstack/clouds.yaml"
# the page has lost the indentation of its YAML
_DEPTHS = {"clouds:": 0, "site-a:": 1, "site-b:": 1, "auth:": 2}
_DEPTHS["region_name:"] = 2
_DEEPEST = 3
UPDATED = "Production web application - updated description"


class Usage(walk.Walk):
    @walk.walks("", "Step 1", "Step 2", "Step 3", "Step 4", "Step 5")
    def test_getting_ready(self) -> None:
        # what stands before the first title
        with self.section("") as commands:
            self.check_units(commands)
        with self.section("Step 1") as commands:
            self.check_units(commands)
        with self.section("Step 2") as commands:
            done = self.run_command(commands.take("curl -s"))
            versions = json.loads(done.out)["versions"]
            self.assertEqual("v1", versions[0]["id"])
        with self.section("Step 3") as commands:
            name = commands.take("pip install").split()[-1]
            self.assertTrue(metadata.version(name))
            done = self.run_command(commands.take("openstack protector"))
            self.assertIn("protection-group", done.out)
        with self.section("Step 4") as commands:
            self._write_clouds(commands.section.lines)
            for site in (self.bed.a, self.bed.b):
                done = self.run_command(
                    f"openstack --os-cloud {site.name} "
                    "protector protection-group list -f json"
                )
                self.assertEqual([], json.loads(done.out))
        with self.section("Step 5") as commands:
            for _ in range(6):
                self.run_command(commands.take("export OS_"))
            done = self.run_command("openstack protector site list -f json")
            names = {row["name"] for row in json.loads(done.out)}
            self.assertEqual({self.bed.a.name, self.bed.b.name}, names)
        self._check_rules()
        self.check_walked()

    def check_units(self, commands: walk.Commands) -> None:
        """Erratum d: the units are shipped; systemd-analyze verifies them."""
        for unit in commands.units():
            self.assertTrue((UNITS / f"{unit}.service").exists(), unit)

    def _write_clouds(self, lines: tuple[str, ...]) -> None:
        """The file as the page prints it, for our two clouds."""
        begin = lines.index("clouds:")
        text, site = [], self.bed.a
        for line in lines[begin:]:
            key, _, value = line.partition(" ")
            if key == "site-b:":
                site = self.bed.b
            ours = {
                "your-password": site.password,
                "your-user": site.user,
                "production-project": site.project,
                "RegionOne": site.region,
            }
            value = ours.get(value, self.fill(value))
            depth = _DEPTHS.get(key, _DEEPEST)
            text.append(f"{'  ' * depth}{key} {value}".rstrip())
        path = pathlib.Path(self.shell.environment["HOME"]) / CLOUDS
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(text) + "\n")

    def _check_rules(self) -> None:
        """Each rule that the page prints is one of ours."""
        known = {rule.name for rule in policies.list_rules()}
        section = self.page.section("RBAC")
        printed = [
            line.split('"')[1]
            for line in section.lines
            if line.startswith('"protector:')
        ]
        self.assertEqual(5, len(printed))
        self.assertLessEqual(set(printed), known)

    @walk.walks(
        "Creating",
        "Listing Protection",
        "Showing",
        "Updating",
        "Deleting",
        "Adding",
        "Listing Members",
        "Removing",
        "Checking and Forcing",
    )
    def test_each_call(self) -> None:
        self.sign_in()
        with self.section("Creating") as commands:
            self._create_twice(commands)
        self._look_and_update()
        with self.section("Deleting") as commands:
            self._delete_twice(commands)
        self.create()
        with self.section("Adding") as commands:
            self._add_twice(commands)
        with self.section("Listing Members") as commands:
            done = self.run_command(commands.take("openstack protector"))
            self.assertIn("web-server-1", done.out)
            rows = self.curl(commands.take("curl -X GET"), 200)["members"]
            self.assertEqual([2], [row["volumes_added"] for row in rows])
        with self.section("Removing") as commands:
            self.know_member("web-server-1")
            self.assertIsNone(self.curl(commands.take("curl -X DELETE"), 204))
            self.check_volumes_stay()
        with self.section("Checking and Forcing") as commands:
            self._check_and_force(commands)
        self.clear()
        self.check_walked()

    def _create_twice(self, commands: walk.Commands) -> None:
        self.run_command(commands.take(walk.CREATE))
        self.know_group()
        self.clear()
        self.run_command(commands.take("TOKEN="))
        self.run_command(commands.take("TENANT_ID="))
        self._post(commands.take("curl -X POST"))

    def _post(self, command: str) -> None:
        made = self.curl(command, 202)["protection_group"]
        self.assertEqual(walk.GROUP, made["name"])
        self.values["<pg-id>"] = made["id"]
        self.wait_for_status("active")
        self.assertEqual(walk.GROUP, self.group(self.bed.b).name)

    def _look_and_update(self) -> None:
        with self.section("Listing Protection") as commands:
            done = self.run_command(commands.take("openstack protector"))
            self.assertIn(walk.GROUP, done.out)
            rows = self.curl(commands.take("curl -X GET"), 200)
            names = [row["name"] for row in rows["protection_groups"]]
            self.assertEqual([walk.GROUP], names)
        with self.section("Showing") as commands:
            done = self.run_command(commands.take("openstack protector"))
            self.assertIn("consistency_group", done.out)
            body = self.curl(commands.take("curl -X GET"), 200)
            shown = body["protection_group"]
            self.assertEqual("active", shown["consistency_group"]["status"])
            self.assertIn("state", shown["replication"])
        with self.section("Updating") as commands:
            self._update(commands.take("curl -X PUT"))

    def _update(self, command: str) -> None:
        body = self.curl(command, 200)
        self.assertEqual(UPDATED, body["protection_group"]["description"])
        for site in (self.bed.a, self.bed.b):
            self.assertEqual(UPDATED, self.group(site).description)
        values: dict[str, Any] = {
            "replication_type": "sync",
            "primary_site_id": self.bed.b.id,
            "secondary_site_id": self.bed.a.id,
            "volume_type_id": self.type_id(self.bed.plain_type),
        }
        for field, value in values.items():
            other = command.replace(
                f'"description": "{UPDATED}"', f'"{field}": "{value}"'
            )
            error = self.curl_refused(other, 400, "ImmutableField")
            self.assertIn(field, error["message"])

    def _delete_twice(self, commands: walk.Commands) -> None:
        self.run_command(commands.take("openstack protector"))
        self.wait_until_gone()
        creating = self.page.section("Creating").commands[-1]
        self._post(creating)
        self.curl(commands.take("curl -X DELETE"), 202)
        self.wait_until_gone()

    def _add_twice(self, commands: walk.Commands) -> None:
        self.run_command(commands.take("openstack protector"))
        self.know_member("web-server-1")
        command = commands.take("curl -X POST")
        again = self.curl(command, 200)["member"]
        self.assertEqual(self.values["<member-id>"], again["id"])
        self.curl(self.page.section("Removing").commands[0], 204)
        made = self.curl(command, 202)["member"]
        self.assertEqual("protecting", made["status"])
        self.wait(lambda: self._status(made["id"]) == "protected")

    def _status(self, member_id: str) -> str:
        at = self.bed.a.tenant.protector
        return str(at.get_member(self.values["<pg-id>"], member_id).status)

    def check_volumes_stay(self) -> None:
        """The volumes themselves are not deleted."""
        storage = self.bed.a.tenant.block_storage
        for volume_id in self.bed.servers[0].volume_ids:
            self.assertEqual("in-use", storage.get_volume(volume_id).status)

    def _check_and_force(self, commands: walk.Commands) -> None:
        command = commands.take("openstack protector")
        self.assertIn("IN SYNC", self.run_command(command).out)
        status = self.structured(command)
        self.assertIs(True, status["in_sync"])
        self.assertEqual("synced", status["remote"]["status"])
        command = commands.take("openstack protector")
        self.assertIn("completed successfully", self.run_command(command).out)
        forced = self.structured(command)
        self.assertEqual("success", forced["status"])
        self.assertEqual(status["local"]["version"], forced["version"])

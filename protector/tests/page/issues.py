# SPDX-License-Identifier: Apache-2.0
"""Every "Issue:" provoked, seen as the page says, and remedied."""

from collections.abc import Iterator
import contextlib
import secrets
from typing import Any

from protector.sandbox import workload
from protector.tests.page import shell, walk

SLOW_MS = 800
SPECS = ("volume_backend_name",)
# what takes a site's arrays out of a group, see the delete workflow
UNPROTECT = (
    "PUT /api/1[^/]+/pgroup/|(PATCH|DELETE) /api/2[^/]+/protection-groups"
)


class Issues(walk.Walk):
    # -- volume types

    @walk.walks("Issue: Protection Group creation fails with volume_type")
    def test_a_type_that_does_not_replicate(self) -> None:
        self.sign_in()
        name = f"page-{secrets.token_hex(3)}"
        with (
            self._types(name) as ids,
            self.section(
                "Issue: Protection Group creation fails with volume_type"
            ) as commands,
        ):
            self.values["<replicated-ssd-uuid>"] = ids[0]
            self.values["replicated-ssd"] = name
            show = commands.take("openstack volume type show")
            mend = commands.take("openstack volume type set")
            phrase = "volume type not replication-enabled"
            creating = self.page.section("Creating").commands
            for site in (self.bed.a, self.bed.b):
                self.refused(creating[0], phrase)
                error = self.curl_refused(
                    creating[-1], 400, "VolumeTypeNotReplicated"
                )
                self.assertIn(phrase, error["message"])
                self.assertEqual([], self._groups())
                self._as_admin(site, show)
                self._as_admin(site, mend)
            self.run_command(creating[0])
            self.know_group()
            self.clear()
        self.check_walked()

    @contextlib.contextmanager
    def _types(self, name: str) -> Iterator[list[str]]:
        """A type of that name at both sites, like the groups' own, but for
        the replication; their ids."""
        ids, made = [], contextlib.ExitStack()
        with made:
            for site in (self.bed.a, self.bed.b):
                storage = site.admin.block_storage
                like = storage.find_type(
                    self.bed.volume_type, ignore_missing=False
                )
                kept = {
                    key: value
                    for key, value in like.extra_specs.items()
                    if key in SPECS
                }
                row = storage.create_type(name=name, extra_specs=kept)
                made.callback(storage.delete_type, row)
                ids.append(row.id)
            yield ids

    def _as_admin(self, site: walk.beds.Site, command: str) -> shell.Done:
        """The operator's command, at a site."""
        auth = site.admin.config.get_auth_args()
        return self.run_command(
            command,
            OS_AUTH_URL=site.auth_url,
            OS_USERNAME=auth["username"],
            OS_PASSWORD=auth["password"],
            OS_PROJECT_NAME=auth["project_name"],
        )

    def _groups(self) -> list[str]:
        rows = self.bed.a.tenant.protector.protection_groups()
        return [row.name for row in rows]

    def test_the_volume_type_must_replicate_as_the_group_does(self) -> None:
        self.sign_in()
        command = self.page.section("Creating").commands[-1]
        other = command.replace('"async"', '"sync"')
        self.assertNotEqual(command, other)
        self.curl_refused(other, 400, "ReplicationTypeMismatch")
        self.assertEqual([], self._groups())

    # -- a peer that is away

    @walk.walks("Issue: Protection Group creation fails with secondary")
    def test_the_secondary_site_is_unreachable(self) -> None:
        self.sign_in()
        creating = self.page.section("Creating").commands
        phrase = "secondary site unreachable"
        with self.section(
            "Issue: Protection Group creation fails with secondary"
        ) as commands:
            self.assertEqual(["protector-api"], list(commands.units()))
            look = commands.take("curl http")
            show = commands.take("openstack protector site show")
            self.bed.kill_api(self.bed.b)
            self.refused(creating[0], phrase)
            error = self.curl_refused(creating[-1], 503, "PeerUnreachable")
            self.assertIn(phrase, error["message"])
            self.assertEqual([], self._groups())
            self.assertNotEqual(0, self.shell.run(self.fill(look)).status)
            site = self.structured(show)
            self.assertEqual(self.bed.b.auth_url, site["auth_url"])
            self.bed.start_api(self.bed.b)
            self.run_command(look)
            self.run_command(creating[0])
        self.know_group()
        self.clear()
        self.check_walked()

    @walk.walks("Issue: Modification blocked")
    def test_the_remote_site_is_unreachable(self) -> None:
        self.sign_in()
        self.create()
        self.add(2)
        self.know_member("app-server-1")
        update = self.page.section("Updating").commands[0]
        remove = self.page.section("Removing").commands[0]
        add = self.page.section("Adding").commands[0]
        phrase = "remote site unreachable - cannot modify protection group"
        with self.section("Issue: Modification blocked") as commands:
            self.bed.hang_api(self.bed.b)
            before = self.group()
            for command in (update, remove):
                error = self.curl_refused(command, 503, "PeerUnreachable")
                self.assertIn(phrase, error["message"])
            self.refused(add, phrase)
            self.assertEqual(
                before.metadata_version, self.group().metadata_version
            )
            self.bed.start_api(self.bed.b)
            self.run_command(commands.take("openstack protector"))
            self.run_command(commands.take("openstack protector"))
            self.curl(update, 200)
            self.curl(remove, 204)
        self.clear()
        self.check_walked()

    # -- a server whose volume is of another type

    @walk.walks("Issue: member-add fails with volume type mismatch")
    def test_a_volume_of_another_type(self) -> None:
        self.sign_in()
        self.create()
        server = self.bed.servers[1]
        adding = self.page.section("Example 2").commands[1]
        phrase = "volume type mismatch"
        with (
            self._misfit(server) as volume_id,
            self.section(
                "Issue: member-add fails with volume type mismatch"
            ) as commands,
        ):
            self.values["<volume-id>"] = volume_id
            self.values["<instance-id>"] = server.id
            self.refused(adding, phrase)
            posting = self.page.section("Adding").commands[-1]
            only = posting.replace("<web-server-1-uuid>", server.id).replace(
                '"volume_ids": ["<vol-1-uuid>", "<vol-2-uuid>"]',
                f'"volume_ids": ["{server.volume_ids[0]}", "{volume_id}"]',
            )
            error = self.curl_refused(only, 400, "VolumeTypeMismatch")
            self.assertIn(phrase, error["message"])
            self.run_command(commands.take("openstack volume set --type"))
            self.wait(lambda: self._type(volume_id) == self.bed.volume_type)
            self._check_types(commands.take("openstack volume list"))
            self.run_command(adding)
            self.clear()
        self.check_walked()

    @contextlib.contextmanager
    def _misfit(self, server: workload.Server) -> Iterator[str]:
        """A volume that is not replicated, attached to a server; its id."""
        cloud = self.bed.a.tenant
        volume = cloud.block_storage.create_volume(
            name="misfit", size=1, volume_type=self.bed.plain_type
        )
        with contextlib.ExitStack() as made:
            made.callback(self._delete, volume)
            self.wait(lambda: self._state(volume.id) == "available")
            cloud.compute.create_volume_attachment(
                server.id, volume_id=volume.id
            )
            made.callback(self._detach, server, volume)
            self.wait(lambda: self._state(volume.id) == "in-use")
            yield volume.id

    def _detach(self, server: workload.Server, volume: Any) -> None:
        cloud = self.bed.a.tenant
        cloud.compute.delete_volume_attachment(server.id, volume.id)
        self.wait(lambda: self._state(volume.id) == "available")

    def _delete(self, volume: Any) -> None:
        storage = self.bed.a.tenant.block_storage
        storage.delete_volume(volume)
        self.wait(lambda: not list(storage.volumes(name="misfit")))

    def _state(self, volume_id: str) -> str:
        storage = self.bed.a.tenant.block_storage
        return str(storage.get_volume(volume_id).status)

    def _type(self, volume_id: str) -> str:
        storage = self.bed.a.tenant.block_storage
        return str(storage.get_volume(volume_id).volume_type)

    def _check_types(self, command: str) -> None:
        """Erratum c: the client has no ``volume list --server``."""
        self.assertIn("volume list --server", command)
        rows = self.structured("openstack server volume list <instance-id>")
        for row in rows:
            shown = self.structured(
                f"openstack volume show {row['Volume ID']}"
            )
            self.assertEqual(self.bed.volume_type, shown["type"])

    # -- a group that is stuck

    @walk.walks("Issue: Protection Group stuck")
    def test_the_engine_crashes(self) -> None:
        self.sign_in()
        with self.section("Issue: Protection Group stuck") as commands:
            units = set(commands.units())
            self.assertEqual({"protector-engine"}, units)
            creating = self.page.section("Creating").commands[-1]
            with self._crash("creating", "replication.configure"):
                made = self.curl(creating, 202)["protection_group"]
                self.values["<pg-id>"] = made["id"]
            self.wait_for_status("active")
            deleting = self.page.section("Deleting").commands[-1]
            with self._crash("deleting", "replication.remove"):
                self.curl(deleting, 202)
            self.wait_until_gone()
        self.check_walked()

    @contextlib.contextmanager
    def _crash(self, status: str, step: str) -> Iterator[None]:
        """Kill the engine while it works on what the block asks for, and
        start it again."""
        site = self.bed.a
        at = site.tenant.protector
        self.bed.slow_arrays(SLOW_MS)
        yield
        self.wait(lambda: self._runs(step))
        self.assertEqual(status, self.group().status)
        self.bed.kill_engine(site)
        self.bed.slow_arrays(0)
        if self.bed.engine_apart:
            found = at.get_protection_group(self.values["<pg-id>"])
            self.assertEqual(status, found.status)
        self.bed.start_engine(site)

    def _runs(self, step: str) -> bool:
        at = self.bed.a.tenant.protector
        operation = at.get_operation(self.group().last_operation_id)
        return any(
            row["name"] == step and row["status"] == "running"
            for row in operation.steps
        )

    # -- a group that cannot be deleted

    @walk.walks("Issue: API returns 409 Conflict")
    def test_a_group_that_is_not_to_be_deleted(self) -> None:
        self.sign_in()
        self.create()
        self.add(2)
        deleting = self.page.section("Deleting").commands[-1]
        with self.section("Issue: API returns 409 Conflict") as commands:
            self.curl_refused(deleting, 409, "GroupNotEmpty")
            self._fail_over_and_back(deleting)
            done = self.run_command(commands.take("openstack protector"))
            self.assertIn("app-server-1", done.out)
            self.know_member("app-server-1")
            self.curl(commands.take("curl -X DELETE"), 204)
            self.bed.refuse_on_array(UNPROTECT)
            self.curl(deleting, 202)
            self.wait_for_status("error")
            listing = commands.take("openstack protector operation list")
            self._check_failed_delete(listing)
            self.bed.refuse_on_array(None)
        # erratum f: from error after a failed delete
        self.curl(deleting, 202)
        self.wait_until_gone()
        self.check_walked()

    def _fail_over_and_back(self, deleting: str) -> None:
        """In failed_over the remedy is a failback."""
        verb = "openstack protector protection-group"
        self.run_command(f"{verb} failover <pg-name> --yes")
        self.assertEqual("failed_over", self.group(self.bed.b).status)
        self.curl_refused(deleting, 409, "NotPrimarySite")
        there = deleting.replace("<primary-controller>:8788", self.bed.b.api)
        error = self._as_tenant_of_b(there)
        self.assertEqual("InvalidStatus", error["reason"])
        self.assertIn("failback", error["message"])
        self.run_command(f"{verb} failback <pg-name> --yes")
        self.wait_for_status("active")

    def _as_tenant_of_b(self, command: str) -> dict[str, Any]:
        session = self.bed.b.tenant.session
        mine = dict(self.shell.environment)
        self.shell.environment |= {
            "TOKEN": session.get_token(),
            "TENANT_ID": session.get_project_id(),
        }
        error: dict[str, Any] = self.curl(command, 409)["error"]
        self.shell.environment = mine
        return error

    def _check_failed_delete(self, listing: str) -> None:
        rows = self.structured(listing)
        failed = [row for row in rows if row["status"] == "failed"]
        self.assertEqual(["delete"], [row["kind"] for row in failed])
        self.assertTrue(failed[0]["error"])

    # -- a site that is lost

    @walk.walks("Issue: sync-status shows OUT OF SYNC")
    def test_out_of_sync_after_an_unplanned_failover(self) -> None:
        self.sign_in()
        self.create()
        self.add(2)
        a, b = self.bed.a, self.bed.b
        self.bed.kill_api(a)
        self.addCleanup(self.bed.start_api, a)
        # until then it wants to be told that the other one is to be left
        self.wait(lambda: not self._reachable(b))
        verb = "openstack protector protection-group"
        there = {"OS_AUTH_URL": b.auth_url, "OS_PASSWORD": b.password}
        self.run_command(
            f"{verb} failover <pg-name> --type unplanned --yes", **there
        )
        status = self.run_command(f"{verb} sync-status <pg-name>", **there)
        self.assertIn("OUT OF SYNC", status.out)
        self.bed.start_api(a)
        # the engine does not wait for anybody, and holds the group for it
        self.wait(lambda: self._turned_round(b))
        with self.section("Issue: sync-status shows OUT OF SYNC") as commands:
            force = commands.take("openstack protector")
            self.run_command(force, **there)
        status = self.run_command(f"{verb} sync-status <pg-name>", **there)
        self.assertIn("IN SYNC", status.out)
        self.run_command(f"{verb} failback <pg-name> --yes", **there)
        self.wait_for_status("active")
        # what the servers of site A wrote alone is kept as an undo copy
        self.clear("--discard-undo")
        self.check_walked()

    def _turned_round(self, site: walk.beds.Site) -> bool:
        """Whether the site replicates towards the one that came back."""
        operations = site.tenant.protector.operations(kind="reprotect")
        return any(found.status == "completed" for found in operations)

    def _reachable(self, site: walk.beds.Site) -> bool:
        """Whether the site sees the other one."""
        conditions = self.group(site).conditions
        return any(
            found["status"]
            for found in conditions
            if found["type"] == "PeerReachable"
        )

    def test_a_dry_run_without_the_other_site(self) -> None:
        self.sign_in()
        self.create()
        self.add(2)
        self.run_command(
            "openstack protector protection-group failover --type unplanned "
            "<pg-name> --dry-run",
            OS_AUTH_URL=self.bed.b.auth_url,
            OS_PASSWORD=self.bed.b.password,
        )
        self.clear()

    def test_a_dry_run_of_a_drill(self) -> None:
        """Asked of the site that would make it."""
        self.sign_in()
        self.create()
        self.add(2)
        verb = "openstack protector protection-group"
        self.run_command(
            f"{verb} mapping-set --network net1=net1 "
            "--test-network net1=test-net1 <pg-name>"
        )
        self.run_command(
            f"{verb} test-failover <pg-name> --dry-run",
            OS_AUTH_URL=self.bed.b.auth_url,
            OS_PASSWORD=self.bed.b.password,
        )
        self.clear()

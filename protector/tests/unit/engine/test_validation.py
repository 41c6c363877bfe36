# SPDX-License-Identifier: Apache-2.0
"""Every check of a site, whatever its neighbours do: over real HTTP."""

import datetime
import time
from typing import Any

import fixtures

from protector import constants as c
from protector import context, exception
from protector.clients import clouds
from protector.db.api import sites
from protector.engine import validation
from protector.storage import base as storage
from protector.tests import base
from protector.tests.fixtures import site_runtime
from protector.tests.unit.clients import fake_cloud
from protector.tests.unit.engine import fakes

Answer = fake_cloud.Answer
Json = dict[str, Any]
VERSIONS = {"api": "1.2", "min_api": "1.0", "document": "1.0"}
TYPE = {
    "id": "t1",
    "name": "replicated-ssd",
    "extra_specs": {
        "replication_enabled": "<is> True",
        "replication_type": "<in> async",
        "volume_backend_name": "pure",
    },
}
POOL = {"name": "a@pure#p", "capabilities": {"volume_backend_name": "pure"}}
EXTENSIONS = (
    "security-group",
    "standard-attr-description",
    "external-net",
    "allowed-address-pairs",
    "port-security",
    "quota_details",
)


def service(binary: str, state: str = "up", host: str = "h1") -> Json:
    return {"binary": binary, "host": host, "state": state}


class Driver(fakes.Driver):
    """:ivar state: of every connection.
    :ivar too_old: what every array says of itself."""

    def __init__(self) -> None:
        super().__init__()
        # a value there, a method of the interface here
        del self.link
        self.state = "connected"
        self.too_old = ""

    def check(self, array: storage.Array) -> dict[str, str]:
        if self.error is not None:
            raise self.error
        return {
            "name": array.name,
            "version": "6.3.13",
            "rest": "1.19",
            "asynchronous_only": self.too_old,
        }

    def link(self, one: storage.Array, other: storage.Array) -> str:
        return self.state


class Storage(fakes.Storage):
    def arrays(self) -> list[storage.Array]:
        return [self.array_of("", "site-a"), self.array_of("", "site-b")]


class ValidationTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(
            site_runtime.SiteRuntime(validate_timeout=20.0)
        )
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        self.runtime = self.site.runtime
        self.driver = Driver()
        self.runtime.storage = Storage(self.driver)
        self.runtime.sealer = fakes.Sealer()
        self.runtime.clouds = clouds.Clouds(
            fake_cloud.options(), self.runtime.clock
        )
        self.register(auth_url=f"{self.cloud.url}/identity")
        self.well()

    def register(self, **values: Any) -> None:
        given = {
            "username": "protector",
            "user_domain_name": "Default",
            "project_name": "service",
            "project_domain_name": "Default",
        }
        with self.runtime.db.writer() as session:
            row = sites.get(session, self.site.peer_id)
            sites.update(session, fakes.NOW, row, given | values)

    def on(self, path: str, body: Any, status: int = 200) -> None:
        self.cloud.on("GET", path, Answer(status, body))

    def well(self) -> None:
        """All that is asked for is there."""
        self.on(r"/compute/.*os-services$", {"services": [NOVA]})
        self.on(r"/volume/.*os-services$", {"services": [CINDER]})
        self.on(r"/volume/.*/types$", {"volume_types": [TYPE]})
        self.on(r"/volume/.*get_pools$", {"pools": [POOL]})
        self.on(r"/volume/.*/group_types$", {"group_types": []})
        self.extensions(*EXTENSIONS)
        self.on(r"/protector/$", {"versions": []})
        self.identity()

    def extensions(self, *aliases: str) -> None:
        rows = [{"alias": alias} for alias in aliases]
        self.on(r"/network/.*extensions$", {"extensions": rows})

    def identity(self, site_id: str | None = None, **versions: str) -> None:
        body = {
            "site": {"id": site_id or self.site.peer_id, "name": "site-b"},
            "versions": VERSIONS | versions,
        }
        self.on(r"/protector/v1/peer/identity$", body)

    def report(self, site_id: str | None = None) -> dict[str, Json]:
        told = validation.validate(
            self.runtime,
            context.RequestContext(),
            site_id or self.site.peer_id,
        )
        self.assertEqual(
            list(c.SiteCheck), [x["name"] for x in told["checks"]]
        )
        self.assertEqual(told["ok"], all(x["ok"] for x in told["checks"]))
        for found in told["checks"]:
            self.assertEqual(found["status"] != "failed", found["ok"])
            self.assertEqual(found["status"] == "passed", found["fix"] is None)
            self.assertTrue(found["message"])
        return {found["name"]: found for found in told["checks"]}

    def only(self, status: str, *names: str) -> list[str]:
        """Their messages; all others passed."""
        found = self.report()
        bad = {k: v for k, v in found.items() if v["status"] != "passed"}
        self.assertEqual(
            {n: status for n in names},
            {k: v["status"] for k, v in bad.items()},
            bad,
        )
        return [bad[name]["message"] for name in names]

    def stored(self) -> tuple[str, str | None]:
        with self.runtime.db.reader() as session:
            row = sites.get(session, self.site.peer_id)
            return row.status, row.status_reason

    # -- together

    def test_all_is_well(self) -> None:
        self.only("passed")
        self.assertEqual(("active", None), self.stored())

    def test_hanging_neighbours_hold_up_no_other(self) -> None:
        self.runtime.conf.set_override("validate_timeout", 2, "engine")
        for path in ("/compute/.*os-services", "/protector/v1"):
            self.cloud.on("GET", path, self.cloud.hang())
        begun = time.monotonic()
        messages = self.only("failed", "nova", "protector", "versions")
        # as long as one of them, whatever the machine does beside
        self.assertLess(time.monotonic() - begun, 2 * 3)
        self.assertIn("Nova", messages[0])
        status, reason = self.stored()
        self.assertEqual("error", status)
        self.assertIn("nova: ", reason)

    def test_what_never_ends_has_failed_when_the_time_is_over(self) -> None:
        self.runtime.conf.set_override("validate_timeout", 1, "engine")

        def hang(array: storage.Array) -> dict[str, str]:
            self.cloud.silence.wait(30)
            return {}

        self.driver.check = hang  # type: ignore[method-assign]
        (message,) = self.only("failed", "array")
        self.assertEqual("There was no answer within 1 s.", message)

    def test_refusals_and_garbage(self) -> None:
        self.on(r"/compute/.*os-services", {"forbidden": {}}, 403)
        self.on(r"/volume/.*/types$", "<html>")
        self.on(r"/network/.*extensions$", {"extensions": [{"name": "x"}]})
        self.on(r"/protector/v1/peer/identity$", {"site": "what?"})
        self.only(
            "failed",
            "nova",
            "volume_types",
            "neutron",
            "protector",
            "versions",
        )

    def test_nobody_is_there(self) -> None:
        self.register(auth_url="http://127.0.0.1:9/v3")
        found = self.report()
        arrays = {"array", "array_link"}
        self.assertEqual(arrays, {k for k, v in found.items() if v["ok"]})

    def test_the_site_itself_asks_no_peer(self) -> None:
        for name in ("auth_url", "username", "password", "project_name"):
            value = "x" if name != "auth_url" else f"{self.cloud.url}/identity"
            self.runtime.conf.set_override(name, value, "service_auth")
        self.report(self.site.local_id)
        self.assertFalse([x for x in self.cloud.sent() if "/peer/" in x])

    # -- one by one

    def test_a_wrong_password(self) -> None:
        self.report()
        refused = Answer(401, {"error": {"message": "no"}})
        self.cloud.on("POST", "/v3/auth/tokens", refused)
        # a token that is held still works
        self.only("failed", "keystone")

    def test_no_right_in_a_tenants_project(self) -> None:
        self.site.group()
        asked = self.cloud.sign_ins
        self.only("passed")
        scopes = [s.json["auth"]["scope"]["project"] for s in asked]
        self.assertIn({"id": "p-there"}, scopes)
        self.runtime.clouds = clouds.Clouds(
            fake_cloud.options(), self.runtime.clock
        )
        real = self.cloud.answer

        def answer(call: Any) -> Answer:
            found = real(call)
            if call.method == "POST" and b"p-there" in call.body:
                found.body["token"]["roles"] = [{"id": "r", "name": "member"}]
            return found

        self.cloud.answer = answer  # type: ignore[method-assign]
        (message,) = self.only("failed", "rights")
        self.assertIn("project p-there", message)

    def test_a_catalog_without_a_service(self) -> None:
        services = {k: v for k, v in fake_cloud.SERVICES.items()}
        for gone in ("image", "protector", "placement"):
            del services[gone]
        where = "protector.tests.unit.clients.fake_cloud.SERVICES"
        self.useFixture(fixtures.MonkeyPatch(where, services))
        found = self.report()
        self.assertEqual(
            "The catalog lacks image, protector.", found["catalog"]["message"]
        )
        services["image"] = "/image"
        self.register(endpoint=f"{self.cloud.url}/protector")
        self.runtime.clouds = clouds.Clouds(
            fake_cloud.options(), self.runtime.clock
        )
        (message,) = self.only("warning", "catalog")
        self.assertIn("no placement", message)

    def test_services_that_are_too_old(self) -> None:
        self.cloud.maximum |= {"compute": "2.60", "volume": "3.13"}
        messages = self.only("failed", "nova", "cinder")
        self.assertIn("2.60; from 2.73", messages[0])
        self.assertIn("3.13; from 3.25", messages[1])

    def test_services_that_are_down(self) -> None:
        down = service("nova-compute", "down", "h2")
        self.on(r"/compute/.*os-services$", {"services": [NOVA, down]})
        (message,) = self.only("warning", "nova")
        self.assertIn("1 nova-compute up, down: h2", message)
        rows = [service("cinder-volume", "down"), service("cinder-scheduler")]
        self.on(r"/volume/.*os-services$", {"services": rows})
        found = self.report()
        self.assertEqual("No cinder-volume is up.", found["cinder"]["message"])

    def test_volume_types(self) -> None:
        other = {**POOL, "name": "b@pure#p"}
        self.on(r"/volume/.*get_pools$", {"pools": [POOL, other]})
        (message,) = self.only("failed", "volume_types")
        self.assertIn("leads to 2 backends", message)
        clear = {**TYPE["extra_specs"], "volume_backend_name": "fast"}
        kinds = [TYPE, {"id": "t2", "name": "fast", "extra_specs": clear}]
        fast = {"volume_backend_name": "fast"}
        pools = [POOL, other, {"name": "c@fast#p", "capabilities": fast}]
        self.on(r"/volume/.*/types$", {"volume_types": kinds})
        self.on(r"/volume/.*get_pools$", {"pools": pools})
        (message,) = self.only("warning", "volume_types")
        self.assertIn("Replicated: fast, replicated-ssd.", message)
        self.on(r"/volume/.*/types$", {"volume_types": []})
        (message,) = self.only("failed", "volume_types")
        self.assertIn("No volume type", message)

    def test_group_types(self) -> None:
        specs = {
            "consistent_group_snapshot_enabled": "<is> True",
            "consistent_group_replication_enabled": "<is> True",
        }
        kinds = [
            {"id": "1", "name": "plain", "group_specs": {}},
            {"id": "2", "name": "both", "group_specs": specs},
        ]
        self.on(r"/volume/.*/group_types$", {"group_types": kinds})
        self.assertEqual(
            "Consistent and replicated: both.",
            self.report()["group_types"]["message"],
        )

    def test_extensions(self) -> None:
        self.extensions(*EXTENSIONS[:4])
        (message,) = self.only("warning", "neutron")
        self.assertIn("port-security, quota_details", message)
        self.extensions("security-group", "external-net")
        (message,) = self.only("failed", "neutron")
        self.assertIn("standard-attr-description", message)

    def test_another_protector(self) -> None:
        self.identity("another")
        (message,) = self.only("failed", "protector")
        self.assertIn("calls itself another", message)

    def test_the_user_has_not_the_role_service(self) -> None:
        self.on(r"/protector/v1/peer/identity$", {"error": {}}, 403)
        self.only("failed", "protector", "versions")
        self.assertIn("role service", self.report()["protector"]["fix"])

    def test_versions(self) -> None:
        self.identity(min_api="1.3", api="1.9")
        (message,) = self.only("failed", "versions")
        self.assertIn("API 1.3 to 1.9", message)
        self.identity(document="2.0")
        (message,) = self.only("failed", "versions")
        self.assertIn("schema 2.0", message)
        self.identity(document="1.9")
        self.only("passed")

    def test_clocks(self) -> None:
        real = self.runtime.clock.now
        for apart in (-300, 300):
            shift = datetime.timedelta(seconds=apart)
            self.runtime.clock.now = lambda s=shift: real() + s
            (message,) = self.only("failed", "clock")
            self.assertRegex(message, r"(29|30)\d s apart")

    def test_an_array_that_replicates_asynchronously_only(self) -> None:
        self.driver.too_old = "It is too old for pods."
        found = self.report()["array"]
        self.assertEqual("passed", found["status"])
        self.assertIn("REST 1.19. It is too old", found["message"])

    def test_arrays(self) -> None:
        self.driver.state = "partially_connected"
        (message,) = self.only("failed", "array_link")
        self.assertIn("array-a: partially_connected", message)
        self.driver.error = exception.ArrayUnavailable("no answer", remedy="X")
        found = self.report()
        self.assertEqual("X", found["array"]["fix"])


NOVA = service("nova-compute")
CINDER = service("cinder-volume")

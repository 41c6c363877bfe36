# SPDX-License-Identifier: Apache-2.0
"""The base of the clients' contract tests: our clients on a whole cloud.

On the emulated one, or with ``PROTECTOR_CONTRACT_CLOUD`` (an admin's cloud
of clouds.yaml) on a real one; what they make there has random names and is
removed.
"""

from collections.abc import Callable
import os
import secrets
from typing import Any, ClassVar

from protector import clock, exception
from protector.clients import clouds, types, wait
from protector.tests import base
from protector.tests.fixtures import emulated_cloud, emulated_site
from protector.tests.unit.clients import fake_cloud

SECONDS = 45
REPLICATED_GROUP = {
    "consistent_group_snapshot_enabled": "<is> True",
    "consistent_group_replication_enabled": "<is> True",
}


class ContractTestCase(base.TestCase):
    """One cloud for all tests of a class.

    ``tenant`` are our clients in a fresh project, as the service user.
    """

    DEFAULT_TIMEOUT = 180
    LOOPBACK_ONLY = emulated_cloud.REAL_CLOUD not in os.environ
    under_test: ClassVar[emulated_site.SiteUnderTest]
    site: ClassVar[clouds.SiteClients]
    tenant: ClassVar[clouds.ProjectClients]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.under_test = emulated_site.SiteUnderTest()
        cls.under_test.setUp()
        cls.addClassCleanup(cls.under_test.cleanUp)
        made = clouds.Clouds(fake_cloud.options(), clock.Clock())
        cls.site = made.site(_access(cls.under_test))
        project_id = cls.under_test.tenant.current_project_id
        _admit(cls.under_test, cls.site.identity.user_id, project_id)
        cls.tenant = cls.site.project(project_id)
        volume = cls.tenant.volume
        cls.volumes = _poll(volume.list)
        cls.groups = _poll(volume.groups)
        cls.servers = _poll(cls.tenant.compute.list_servers)
        cls.replicated = next(
            t
            for t in volume.types()
            if t.replicated and emulated_cloud.is_wanted(t.name)
        )

    def name(self, kind: str) -> str:
        return f"contract-{kind}-{secrets.token_hex(4)}"

    def available(self, volume_id: str) -> types.Volume:
        return self.volumes.wait(volume_id, _reached("available"), SECONDS)

    def new_volume(self, **kwargs: Any) -> types.Volume:
        """Make a volume of the replicated type, removed after the test."""
        made = self.tenant.volume.create(
            self.name("volume"), 1, self.replicated.id, **kwargs
        )
        self.addCleanup(self.gone, self.volumes, made.id)
        self.addCleanup(self.drop, self.tenant.volume.delete, made.id)
        return self.available(made.id)

    def new_group(self) -> types.Group:
        """Make a replicated group, removed after the test."""
        volume = self.tenant.volume
        kind = next(
            t
            for t in volume.group_types()
            if REPLICATED_GROUP.items() <= t.group_specs.items()
        )
        name = self.name("group")
        made = volume.create_group(
            name, "for a test", kind.id, [self.replicated.id]
        )
        self.addCleanup(self.gone, self.groups, made.id)
        self.addCleanup(self.drop, volume.delete_group, made.id)
        return self.groups.wait(made.id, _reached("available"), SECONDS)

    def gone(self, poll: Any, object_id: str) -> None:
        poll.wait(object_id, lambda f: f is None or None, SECONDS)

    def drop(self, delete: Callable[[str], None], object_id: str) -> None:
        try:
            delete(object_id)
        except exception.CloudNotFound:
            return

    def reached(self, *statuses: str) -> Callable[[Any], Any]:
        """A test whether an object has one of these states."""
        return _reached(*statuses)


def _reached(*statuses: str) -> Callable[[Any], Any]:
    def done(found: Any) -> Any:
        if found is not None and found.status.lower().startswith("error"):
            raise exception.UnexpectedState(str(found))
        return found if found and found.status in statuses else None

    return done


def _poll(fetch: Callable[..., list[Any]]) -> wait.BatchedPoll[Any]:
    return wait.BatchedPoll(
        lambda ids: {f.id: f for f in fetch(ids=ids)}, 0.3, clock.Clock()
    )


def _access(under_test: emulated_site.SiteUnderTest) -> types.SiteAccess:
    if under_test.emulated is not None:
        auth = {
            "username": "protector",
            "password": emulated_cloud.PASSWORD,
            "project_name": "service",
        }
    else:
        auth = under_test.admin.config.config["auth"]
    return types.SiteAccess(
        site_id="under-test",
        name="under-test",
        auth_url=under_test.auth_url,
        region_name=under_test.admin.config.get_region_name(),
        interface="public",
        username=auth["username"],
        password=auth["password"],
        user_domain_name=auth.get("user_domain_name", "Default"),
        project_name=auth["project_name"],
        project_domain_name=auth.get("project_domain_name", "Default"),
        verify=under_test.admin.config.config.get("cacert") or True,
        endpoint=None,
    )


def _admit(
    under_test: emulated_site.SiteUnderTest, user_id: str, project_id: str
) -> None:
    """Make the service user an admin of the tenant's project."""
    identity = under_test.admin.identity
    role = identity.find_role("admin", ignore_missing=False)
    identity.assign_project_role_to_user(project_id, user_id, role)

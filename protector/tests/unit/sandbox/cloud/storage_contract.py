# SPDX-License-Identifier: Apache-2.0
"""The base of the contract tests of Cinder and Nova.

They talk through python-cinderclient and python-novaclient.  Flavor, image
and types are found by what they are, so that they need no special names.
"""

import collections.abc
import secrets
import typing

from cinderclient import client as cinder_client
from cinderclient import exceptions as cinder_exceptions
from novaclient import client as nova_client
from novaclient import exceptions as nova_exceptions

from protector.tests.fixtures import (
    emulated_arrays,
    emulated_cloud,
    emulated_site,
)
from protector.tests.unit.sandbox.cloud import contract

SECONDS = 30
CONSISTENT = "consistent_group_snapshot_enabled"
REPLICATED = "consistent_group_replication_enabled"
TRUE = "<is> True"
SYNC = "<in> sync"
_BUSY = (
    "creating",
    "downloading",
    "deleting",
    "extending",
    "attaching",
    "retyping",
)


def cinder(conn: typing.Any, version: str = "3.71") -> typing.Any:
    """Return python-cinderclient for a connection's user."""
    return cinder_client.Client(version, session=conn.session)


def nova(conn: typing.Any, version: str = "2.96") -> typing.Any:
    """Return python-novaclient for a connection's user."""
    return nova_client.Client(version, session=conn.session)


class StorageContractTestCase(contract.ContractTestCase):
    """One cloud with an array for all tests of a class."""

    under_test: typing.ClassVar[emulated_site.SiteUnderTest]

    @classmethod
    def setUpClass(cls) -> None:
        super(contract.ContractTestCase, cls).setUpClass()
        cls.under_test = emulated_site.SiteUnderTest()
        cls.under_test.setUp()
        cls.addClassCleanup(cls.under_test.cleanUp)
        cls.admin = cls.under_test.admin
        cls.tenant = cls.under_test.tenant
        cls.stranger = cls.under_test.stranger
        cls.volumes = cinder(cls.tenant)
        cls.volumes_admin = cinder(cls.admin)
        cls.servers = nova(cls.tenant)
        cls.servers_admin = nova(cls.admin)
        cls.image = cls._image()
        cls.volume_type = cls._replicated_type()
        cls.group_type = cls._group_type()

    @classmethod
    def _image(cls) -> typing.Any:
        """A public image, or one of the tenant's own."""
        for found in cls.tenant.image.images():
            return found
        made = cls.tenant.image.create_image(
            name="contract",
            container_format="bare",
            disk_format="raw",
            data=bytes(1 << 20),
        )
        cls.addClassCleanup(cls.tenant.image.delete_image, made)
        return made

    @classmethod
    def _replicated_type(cls) -> typing.Any:
        return next(
            row
            for row in cls.volumes_admin.volume_types.list()
            if row.get_keys().get("replication_enabled") == TRUE
            and row.get_keys().get("replication_type") != SYNC
            and emulated_cloud.is_wanted(row.name)
        )

    @classmethod
    def _group_type(cls) -> typing.Any:
        return next(
            row
            for row in cls.volumes_admin.group_types.list()
            if row.group_specs.get(CONSISTENT) == TRUE
            and row.group_specs.get(REPLICATED) == TRUE
        )

    def need_emulator(self) -> None:
        """Skip on a real cloud: the array is looked at."""
        if self.under_test.arrays is None:
            self.skipTest("looks at the emulated array")

    @property
    def array(self) -> emulated_arrays.EmulatedArray:
        """The cloud's own array."""
        assert self.under_test.arrays is not None
        return self.under_test.arrays.a

    def other_type(self, spec: str | None) -> typing.Any:
        """A type of the same back end that replicates so, or not at all."""
        backend = self.volume_type.get_keys()["volume_backend_name"]
        return next(
            row
            for row in self.volumes_admin.volume_types.list()
            if row.get_keys().get("replication_type") == spec
            and row.get_keys().get("volume_backend_name") == backend
        )

    def pool(self) -> str:
        """Where volumes of the replicated type lie."""
        backend = self.volume_type.get_keys()["volume_backend_name"]
        return next(
            row.name
            for row in self.volumes_admin.pools.list(detailed=True)
            if row.volume_backend_name == backend
        )

    def wait(self, done: collections.abc.Callable[[], object]) -> None:
        """Wait until ``done`` is true, 30 s."""
        emulated_arrays.wait_until(done, SECONDS)

    def new_volume(self, **kwargs: typing.Any) -> typing.Any:
        """Make a volume of the replicated type; return it when it is idle."""
        kwargs.setdefault("size", 1)
        kwargs.setdefault("volume_type", self.volume_type.name)
        kwargs.setdefault("name", f"v-{secrets.token_hex(4)}")
        made = self.volumes.volumes.create(**kwargs)
        self.addCleanup(self.drop_volume, made.id)
        return self.idle(made.id)

    def idle(self, volume_id: str) -> typing.Any:
        """Return a volume when it is in no transition."""
        get = self.volumes.volumes.get
        self.wait(lambda: get(volume_id).status not in _BUSY)
        return get(volume_id)

    def volume_is_gone(self, volume_id: str) -> bool:
        """Whether a volume is not there any more.

        Not by a list: Cinder answers 404 for all of it while a group is
        deleted with its volumes.
        """
        try:
            self.volumes.volumes.get(volume_id)
        except cinder_exceptions.NotFound:
            return True
        return False

    def drop_volume(self, volume_id: str) -> None:
        """Delete a volume if it is there and may go."""
        try:
            self.volumes.volumes.delete(volume_id)
        except (cinder_exceptions.NotFound, cinder_exceptions.BadRequest):
            return

    def new_group(self, *volumes: typing.Any) -> typing.Any:
        """Make a replicated consistent group with members."""
        made = self.volumes.groups.create(
            self.group_type.id,
            self.volume_type.id,
            name=f"g-{secrets.token_hex(4)}",
        )
        self.addCleanup(self.drop_group, made.id)
        self.settled(made.id)
        if volumes:
            ids = ",".join(row.id for row in volumes)
            self.volumes.groups.update(made.id, add_volumes=ids)
        return self.settled(made.id)

    def settled(self, group_id: str) -> typing.Any:
        """Return a group when it is available."""

        def get() -> typing.Any:
            return self.volumes.groups.get(group_id, list_volume=True)

        self.wait(lambda: get().status not in ("creating", "updating"))
        self.assertEqual("available", get().status)
        return get()

    def drop_group(self, group_id: str) -> None:
        """Delete a group with its volumes, as far as that may be."""
        try:
            self.volumes.groups.delete(group_id, delete_volumes=True)
        except (cinder_exceptions.NotFound, cinder_exceptions.BadRequest):
            return

    def says(
        self,
        status: int,
        text: str,
        call: collections.abc.Callable[..., typing.Any],
        *args: typing.Any,
        **kwargs: typing.Any,
    ) -> None:
        """Check that a call is refused with a status and a text."""
        kinds = (
            cinder_exceptions.ClientException,
            nova_exceptions.ClientException,
        )
        try:
            call(*args, **kwargs)
        except kinds as error:
            self.assertEqual(status, error.code, str(error))
            self.assertIn(text, str(error))
        else:
            self.fail(f"not refused: {text}")

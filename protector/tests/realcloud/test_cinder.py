# SPDX-License-Identifier: Apache-2.0
"""The emulated Cinder's contract where the arrays are looked at, told to a
real Cinder's own Pure driver on the emulated arrays."""

from collections.abc import Callable
import os
import pathlib
from typing import Any
import unittest

from protector.tests.fixtures import emulated_arrays, emulated_cloud
from protector.tests.realcloud import arrays, backend, settings
from protector.tests.unit.sandbox.cloud import (
    storage_contract,
    test_cinder_groups,
    test_cinder_sync,
    test_cinder_volumes,
)

# seconds for what the driver does, beside all else that runs there
PATIENCE = 120


class OnPure(storage_contract.StorageContractTestCase):
    """Before a contract's own class."""

    TYPE = backend.REPLICATED

    @classmethod
    def setUpClass(cls) -> None:
        if not os.environ.get(emulated_cloud.REAL_CLOUD):
            raise unittest.SkipTest(
                f"{emulated_cloud.REAL_CLOUD} is not set: there is no real "
                "Cinder"
            )
        super().setUpClass()
        directory = pathlib.Path(os.environ[f"{settings.PREFIX}ARRAYS"])
        cls.under_test.arrays = arrays.Arrays(directory)
        # what is managed is the admin's own
        project_id = cls.admin.current_project_id
        cls.admin.set_volume_quotas(project_id, volumes=-1)
        cls.addClassCleanup(cls.admin.delete_volume_quotas, project_id)

    @classmethod
    def _replicated_type(cls) -> Any:
        return next(
            row
            for row in cls.volumes_admin.volume_types.list()
            if row.name == cls.TYPE
        )

    def wait(self, done: Callable[[], object]) -> None:
        emulated_arrays.wait_until(done, PATIENCE)


class VolumesTest(OnPure, test_cinder_volumes.PureTest):
    pass


class GroupsTest(OnPure, test_cinder_groups.PureGroupsTest):
    pass


class SyncTest(OnPure, test_cinder_sync.SyncTest):
    TYPE = backend.SYNC

    def need_emulator(self) -> None:
        self.skipTest("a real Cinder does otherwise")

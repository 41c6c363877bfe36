# SPDX-License-Identifier: Apache-2.0
"""The contract tests of the emulated cloud, told to a real one.

They are the unit tests' own; ``PROTECTOR_CONTRACT_CLOUD`` names an admin's
cloud, and without it there are none here.
"""

import os
import unittest

from protector.tests.fixtures import emulated_cloud

_UNIT = "protector.tests.unit"
MODULES = (
    f"{_UNIT}.clients.test_compute_contract",
    f"{_UNIT}.clients.test_network_contract",
    f"{_UNIT}.clients.test_volume_contract",
    f"{_UNIT}.sandbox.cloud.test_cinder_groups",
    f"{_UNIT}.sandbox.cloud.test_cinder_volumes",
    f"{_UNIT}.sandbox.cloud.test_glance_contract",
    f"{_UNIT}.sandbox.cloud.test_keystone_contract",
    f"{_UNIT}.sandbox.cloud.test_neutron_contract",
    f"{_UNIT}.sandbox.cloud.test_nova_servers",
    f"{_UNIT}.sandbox.cloud.test_nova_shelve",
    f"{_UNIT}.sandbox.cloud.test_placement_contract",
)


def load_tests(
    loader: unittest.TestLoader,
    standard_tests: unittest.TestSuite,
    pattern: str | None,
) -> unittest.TestSuite:
    """unittest's way to say what the tests of a module are."""
    if not os.environ.get(emulated_cloud.REAL_CLOUD):
        return standard_tests
    return loader.loadTestsFromNames(MODULES)

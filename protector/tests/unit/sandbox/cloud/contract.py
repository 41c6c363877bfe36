# SPDX-License-Identifier: Apache-2.0
"""The base of contract tests: they hold for real clouds and the emulated.

With ``PROTECTOR_CONTRACT_CLOUD`` (an admin's cloud of clouds.yaml) in the
environment they run against that cloud; what they make there has random
names and is removed.
"""

import collections.abc
import os
import typing

from openstack import exceptions

from protector.tests import base
from protector.tests.fixtures import emulated_cloud


class ContractTestCase(base.TestCase):
    """One cloud for all tests of a class."""

    LOOPBACK_ONLY = emulated_cloud.REAL_CLOUD not in os.environ
    under_test: typing.ClassVar[emulated_cloud.CloudUnderTest]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.under_test = emulated_cloud.CloudUnderTest()
        cls.under_test.setUp()
        cls.addClassCleanup(cls.under_test.cleanUp)
        cls.admin = cls.under_test.admin
        cls.tenant = cls.under_test.tenant
        cls.stranger = cls.under_test.stranger

    def refused(
        self,
        status: int,
        call: collections.abc.Callable[..., typing.Any],
        *args: typing.Any,
        **kwargs: typing.Any,
    ) -> exceptions.HttpException:
        """Check that a call is refused with a status; return the error."""
        error = self.assertRaises(
            exceptions.HttpException, call, *args, **kwargs
        )
        self.assertEqual(status, error.status_code, str(error))
        return error

    def refused_as(
        self,
        status: int,
        kind: str,
        call: collections.abc.Callable[..., typing.Any],
        *args: typing.Any,
        **kwargs: typing.Any,
    ) -> None:
        """Check a refusal of Neutron and its type."""
        error = self.refused(status, call, *args, **kwargs)
        body = error.response.json()
        self.assertEqual(kind, body["NeutronError"]["type"], body)

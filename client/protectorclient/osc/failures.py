# SPDX-License-Identifier: Apache-2.0
"""How a command ends: exit codes, and errors in words.

0 done, 1 failed or refused, 2 usage, 3 the timeout passed while the task
runs, 130 detached. Nothing here prints.
"""

from __future__ import annotations

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions
from osc_lib import exceptions as osc_exceptions

from protectorclient import errors, wait
from protectorclient.v1 import _proxy

DONE = 0
FAILED = 1
USAGE = 2
STILL_RUNNING = 3
DETACHED = 130


class UsageError(osc_exceptions.CommandError):
    """The command line makes no sense as it is."""


class Declined(osc_exceptions.CommandError):
    """The user was asked and said no."""


class Detached(Exception):
    """The user stopped watching; the operations go on."""

    def __init__(self, operation_ids: list[str]) -> None:
        self.operation_ids = operation_ids
        super().__init__("detached")


def is_outage(error: BaseException) -> bool:
    """Whether nobody answered: the other site may be asked instead."""
    return wait.is_outage(error) or isinstance(
        error, ksa_exceptions.HttpServerError
    )


def in_words(error: Exception) -> Exception:
    """The error to show for an error that came up.

    :returns: the same error, or a CommandError with the remedy
    """
    if isinstance(error, ksa_exceptions.Unauthorized):
        return osc_exceptions.CommandError(
            f"Keystone refused the credentials: {error}"
        )
    if isinstance(
        error,
        sdk_exceptions.ServiceDisabledException
        | ksa_exceptions.EndpointNotFound,
    ):
        return osc_exceptions.CommandError(
            f"{_first_line(error)} Ask the operator of this cloud, or set "
            "<service>_endpoint_override in clouds.yaml"
        )
    if isinstance(error, errors.ProtectorHttpException):
        if error.status_code == 406:
            return osc_exceptions.CommandError(
                f"{error}\nThis client asks for {_proxy.MICROVERSION}; to ask "
                "for another: openstack --os-protector-api-version <version>"
            )
        return error
    if is_outage(error):
        return osc_exceptions.CommandError(
            f"the site does not answer: {_first_line(error)} Ask the other "
            "site with --os-cloud, or give it as --secondary-cloud"
        )
    return error


def hint(operation_ids: list[str]) -> str:
    """How to watch again."""
    return "\n".join(
        f"openstack protector operation watch {op_id}"
        for op_id in operation_ids
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") + "."

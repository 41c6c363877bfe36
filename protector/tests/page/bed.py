# SPDX-License-Identifier: Apache-2.0
"""What the page is walked on: two clouds with their Protectors.

An interface; which processes and clouds these are is its subclasses'
business.
"""

import abc
import dataclasses

import fixtures
from openstack import connection

from protector.sandbox import workload


@dataclasses.dataclass(frozen=True)
class Site:
    """:ivar id: Protector's, of the site.
    :ivar api: ``host:port`` of its protector-api.
    :ivar user: a member of the tenant's project ``project``, with a password.
    :ivar tenant: that user's connection; ``admin`` an admin's.
    """

    name: str
    id: str
    api: str
    user: str
    password: str
    project: str
    auth_url: str
    region: str
    tenant: connection.Connection
    admin: connection.Connection


class Bed(fixtures.Fixture, abc.ABC):
    """:ivar a: the site where the servers run.
    :ivar b: the other, where the tenant has a network ``test-net1``.
    :ivar servers: web, app and db server, with 2, 2 and 3 volumes.
    :ivar volume_type: replicated, of all their volumes; ``plain_type`` is on
        the same backend and not replicated.
    :ivar backend: the backend as a consistency group shows it.
    :ivar engine_apart: whether the API answers while the engine is dead.
    :ivar patience: seconds in which whatever was begun ends.
    """

    a: Site
    b: Site
    servers: list[workload.Server]
    volume_type: str
    plain_type: str
    backend: str
    engine_apart: bool
    patience: float

    @abc.abstractmethod
    def kill_api(self, site: Site) -> None:
        """The site's API is gone, as if its host had lost its power."""

    @abc.abstractmethod
    def hang_api(self, site: Site) -> None:
        """The site's API takes connections and answers nothing."""

    @abc.abstractmethod
    def start_api(self, site: Site) -> None:
        """It answers again, whatever was done to it."""

    @abc.abstractmethod
    def kill_engine(self, site: Site) -> None:
        """The site's engine is gone."""

    @abc.abstractmethod
    def start_engine(self, site: Site) -> None:
        """It serves again."""

    @abc.abstractmethod
    def slow_arrays(self, milliseconds: int) -> None:
        """Each call to an array takes longer; 0 is normal."""

    @abc.abstractmethod
    def refuse_on_array(self, call: str | None) -> None:
        """The array of ``a`` answers 400 to calls that match the regular
        expression, ``METHOD /path``; None ends that."""

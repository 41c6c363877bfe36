# SPDX-License-Identifier: Apache-2.0
"""What the suite is told of its two clouds, all of it by environment.

``X`` is ``A`` for the primary site and ``B`` for the secondary one.

``OS_CLIENT_CONFIG_FILE``
    the ``clouds.yaml`` that names the clouds
``PROTECTOR_REAL_SITE_X``
    an admin's cloud; also the name of the site
``PROTECTOR_REAL_TENANT_X``
    a member's cloud in the tenant's project
``PROTECTOR_REAL_DATABASE_X``
    an SQLAlchemy URL; the database is dropped and made anew
``PROTECTOR_REAL_BUS_X``
    a transport URL with a virtual host of its own
``PROTECTOR_REAL_ARRAYS``
    directory of the arrays that run, see ``arrays``
``PROTECTOR_REAL_BED``
    directory of the scripts that start and stop a cloud, see ``loss``;
    without it no site is lost
``PROTECTOR_REAL_STATE``
    directory of logs and process records; default ``.test/realcloud``
``PROTECTOR_REAL_{NETWORK,SECURITY_GROUP,FLAVOR,IMAGE,VOLUME_TYPE}``
    names that both tenants know; the defaults are what the bed's seed and
    ``backend`` make; without an image boot volumes are blank
"""

from collections.abc import Mapping
import dataclasses
import os
import pathlib

from protector.sandbox import workload
from protector.tests.realcloud import backend

PREFIX = "PROTECTOR_REAL_"
_NAMES = {
    "network": "net1",
    "security_group": "web",
    "flavor": "m1.tiny",
    "image": "",
    "volume_type": backend.REPLICATED,
}


class MissingError(Exception):
    """The environment does not say enough."""


@dataclasses.dataclass(frozen=True)
class Site:
    """One cloud, and what its Protector runs on."""

    name: str
    tenant: str
    database: str = dataclasses.field(repr=False)
    bus: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Settings:
    """Both sites, what the tenants have, and where to write."""

    a: Site
    b: Site
    arrays: pathlib.Path
    names: workload.Names
    state: pathlib.Path


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the environment.

    :raises MissingError: a variable is not set.
    """
    given = os.environ if environment is None else environment
    names = {
        name: given.get(PREFIX + name.upper(), default)
        for name, default in _NAMES.items()
    }
    return Settings(
        a=_site(given, "A"),
        b=_site(given, "B"),
        arrays=pathlib.Path(_value(given, "ARRAYS")),
        names=workload.Names(external_network=None, **names),
        state=pathlib.Path(
            given.get(f"{PREFIX}STATE", ".test/realcloud")
        ).resolve(),
    )


def _site(given: Mapping[str, str], letter: str) -> Site:
    def value(name: str) -> str:
        return _value(given, f"{name}_{letter}")

    return Site(
        name=value("SITE"),
        tenant=value("TENANT"),
        database=value("DATABASE"),
        bus=value("BUS"),
    )


def _value(given: Mapping[str, str], name: str) -> str:
    variable = PREFIX + name
    if not given.get(variable):
        raise MissingError(f"{variable} is not set; see {__name__}")
    return given[variable]

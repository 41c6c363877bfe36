# SPDX-License-Identifier: Apache-2.0
"""Finds the driver by name and the arrays in the configuration."""

from collections.abc import Callable
from typing import Any

from stevedore import driver

from protector import exception
from protector.storage import base

NAMESPACE = "protector.storage.drivers"


class Storage:
    """The storage of both sites, as this site's ``conf`` describes it."""

    def __init__(self, conf: Any) -> None:
        self._conf = conf
        self._reader: base.ReplicationDriver | None = None

    def arrays(self) -> list[base.Array]:
        return [self._array(name) for name in self._conf.storage.arrays]

    def array_of(self, site_id: str, site_name: str) -> base.Array:
        """The array that the Cinder of a site uses.

        :raises ArrayError: none, or more than one, is configured for it.
        """
        found = [a for a in self.arrays() if a.site in (site_id, site_name)]
        if len(found) != 1:
            raise exception.ArrayError(
                f"{len(found)} arrays are configured for site {site_name}.",
                remedy="Name exactly one array of that site in "
                "[storage] arrays at both sites.",
            )
        return found[0]

    def reader(self, forbid: Callable[[], None]) -> base.ReplicationDriver:
        """The driver of all that only looks: it stays logged in, once for
        each thread, as looks are frequent.

        :param forbid: raises; it is asked before a change.
        """
        if self._reader is None:
            self._reader = self.driver(forbid)
        return self._reader

    def driver(
        self, before_change: Callable[[], None]
    ) -> base.ReplicationDriver:
        """A driver for one operation, see ``base.ReplicationDriver``."""
        options = self._conf.storage
        return driver.DriverManager(
            NAMESPACE,
            options.driver,
            invoke_on_load=True,
            invoke_args=(
                before_change,
                options.connect_timeout,
                options.read_timeout,
                options.eradicate,
            ),
        ).driver

    def _array(self, name: str) -> base.Array:
        options = self._conf[name]
        return base.Array(
            name=name,
            management_address=options.management_address,
            api_token=options.api_token,
            ca_file=options.ca_file,
            verify=options.verify,
            site=options.site,
            backend=options.backend,
        )

# SPDX-License-Identifier: Apache-2.0
"""What a process of the service works with, built once and passed in.

No module keeps any of this for itself, so two complete sites can live in
one process.
"""

import functools
from typing import Any

from protector import clock as clock_module
from protector import notifications, policy, rpc, secrets
from protector.clients import clouds
from protector.db import session
from protector.db.api import sites
from protector.engine import rpcapi
from protector.storage import registry


class Runtime:
    """Everything by name, each built at first use.

    :param conf: a parsed ``ConfigOpts`` with all options registered.
    :param clock: a ``clock.Clock``; tests give their own.
    """

    def __init__(
        self, conf: Any, clock: clock_module.Clock | None = None
    ) -> None:
        self.conf = conf
        self.clock = clock or clock_module.Clock()

    @functools.cached_property
    def db(self) -> session.Database:
        database = session.Database(self.conf)
        database.listen(self.notifications.tell)
        return database

    @functools.cached_property
    def notifications(self) -> notifications.Notifications:
        return notifications.Notifications(self.conf)

    @functools.cached_property
    def local_site_id(self) -> str:
        """Id of this site.

        :raises ProtectorError: the site has not been given one yet.
        """
        with self.db.reader() as session:
            return sites.local(session).id

    @functools.cached_property
    def policy(self) -> policy.Enforcer:
        return policy.Enforcer(self.conf)

    @functools.cached_property
    def bus(self) -> rpc.Bus:
        return rpc.Bus(self.conf)

    @functools.cached_property
    def engine(self) -> rpcapi.EngineAPI:
        """The engines of this site, as the API calls them."""
        return rpcapi.EngineAPI(self.bus)

    @functools.cached_property
    def sealer(self) -> secrets.Sealer:
        return secrets.Sealer(self.conf.secrets.key_repository)

    @functools.cached_property
    def storage(self) -> registry.Storage:
        return registry.Storage(self.conf)

    @functools.cached_property
    def clouds(self) -> clouds.Clouds:
        return clouds.Clouds(self.conf, self.clock, lambda: self.local_site_id)

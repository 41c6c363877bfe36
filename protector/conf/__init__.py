# SPDX-License-Identifier: Apache-2.0
"""Options of the service, one module per group.

``register_all(conf)`` registers every group on a given ``ConfigOpts``; there
is no global configuration object.
"""

from typing import Any

from protector.conf import (
    api,
    arrays,
    clouds,
    default,
    engine,
    peer,
    replication,
    secrets,
    service_auth,
    storage,
)

GROUPS = (
    default,
    api,
    clouds,
    engine,
    peer,
    replication,
    secrets,
    service_auth,
    storage,
)


def register_all(conf: Any) -> None:
    """Register all options of Protector on ``conf`` (a ``ConfigOpts``)."""
    for module in GROUPS:
        module.register_opts(conf)


def register_arrays(conf: Any) -> None:
    """Register a group per array named in ``[storage] arrays``."""
    arrays.register_opts(conf, conf.storage.arrays)

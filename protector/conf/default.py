# SPDX-License-Identifier: Apache-2.0
"""[DEFAULT]: what both daemons need."""

import socket
from typing import Any

from oslo_config import cfg

opts = [
    cfg.HostAddressOpt(
        "host",
        default=socket.gethostname(),
        sample_default="controller1",
        help="""
Name of this host.

It names the engine in operations and is the address of its RPC server, so
every engine of a site needs a name of its own.
""",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/protector",
        help="Directory for what the daemons keep beside the database.",
    ),
    cfg.StrOpt(
        "rpc_exchange",
        default="protector",
        help="""
Exchange of the message bus that API and engine of this site use; their queues
are named after it.

Two sites that share one broker need different virtual hosts or exchanges.
""",
    ),
    cfg.IntOpt(
        "rpc_timeout",
        default=60,
        min=1,
        help="Seconds the API waits for an answer of the engine.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [("DEFAULT", opts)]

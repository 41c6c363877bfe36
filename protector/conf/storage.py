# SPDX-License-Identifier: Apache-2.0
"""[storage]: the replication driver and the names of the arrays."""

from typing import Any

from oslo_config import cfg

GROUP = "storage"
opts = [
    cfg.StrOpt(
        "driver",
        default="pure",
        help="Replication driver, by its name in protector.storage.drivers.",
    ),
    cfg.ListOpt(
        "arrays",
        default=[],
        help="""
Names of the groups that describe the arrays of both sites.  An array is
named here as it names itself.
""",
    ),
    cfg.FloatOpt(
        "connect_timeout",
        default=5,
        min=0.1,
        help="Seconds to wait for a connection to an array.",
    ),
    cfg.FloatOpt(
        "read_timeout",
        default=30,
        min=0.1,
        help="Seconds to wait for the whole answer of an array.",
    ),
    cfg.BoolOpt(
        "eradicate",
        default=False,
        help="""
Eradicate what Protector destroys on an array instead of leaving it to the
array's own timer.
""",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]

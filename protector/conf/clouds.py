# SPDX-License-Identifier: Apache-2.0
"""[clouds]: calls to Keystone, Nova, Cinder, Neutron and Glance."""

from typing import Any

from oslo_config import cfg

GROUP = "clouds"
opts = [
    cfg.FloatOpt(
        "connect_timeout",
        default=5,
        min=0.1,
        help="Seconds to wait for a connection to a service.",
    ),
    cfg.FloatOpt(
        "read_timeout",
        default=30,
        min=0.1,
        help="Seconds to wait for the whole answer of a service.",
    ),
    cfg.FloatOpt(
        "look_timeout",
        default=10,
        min=0.1,
        help="""
Seconds to wait for an answer of a service that is only looked at: by
preflight, a dry run, or before a request is accepted.
""",
    ),
    cfg.IntOpt(
        "read_retries",
        default=4,
        min=0,
        help="How often a reading call is repeated after a failure.",
    ),
    cfg.IntOpt(
        "concurrency",
        default=8,
        min=1,
        help="Calls that one process has under way per service and site.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]

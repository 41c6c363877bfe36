# SPDX-License-Identifier: Apache-2.0
"""[peer]: talking to the other site's Protector."""

from typing import Any

from oslo_config import cfg

GROUP = "peer"
opts = [
    cfg.FloatOpt(
        "connect_timeout",
        default=4,
        min=0.1,
        help="Seconds to wait for a connection to the peer site.",
    ),
    cfg.FloatOpt(
        "read_timeout",
        default=30,
        min=0.1,
        help="Seconds to wait for the whole answer of the peer site.",
    ),
    cfg.FloatOpt(
        "check_timeout",
        default=5,
        min=0.1,
        help="""
Seconds in which the peer must answer before a change begins; otherwise the
change is refused with PeerUnreachable.
""",
    ),
    cfg.StrOpt(
        "username",
        default="protector",
        help="""
The user of this site's Keystone that peer sites sign in as.  Only this
user, with the role ``service``, may call ``/v1/peer``.
""",
    ),
    cfg.StrOpt(
        "user_domain_name",
        default="Default",
        help="Domain of that user.",
    ),
    cfg.BoolOpt(
        "match_projects_by_name",
        default=False,
        help="""
Map a project without a tenant mapping to the peer's project of the same
name.  Only for pairs of clouds in which equal names mean equal owners.
""",
    ),
    cfg.FloatOpt(
        "push_backoff_max",
        default=300,
        min=1,
        help="Longest pause, in seconds, between two attempts of a push.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]

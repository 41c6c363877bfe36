# SPDX-License-Identifier: Apache-2.0
"""[replication]: what holds for a group without a policy of its own."""

from typing import Any

from oslo_config import cfg

GROUP = "replication"
opts = [
    cfg.IntOpt(
        "interval_minutes",
        default=15,
        min=1,
        help="Minutes between two scheduled recovery points.",
    ),
    cfg.IntOpt(
        "rpo_minutes",
        default=30,
        min=1,
        help="Age of the newest recovery point past which RPO is violated.",
    ),
    cfg.IntOpt(
        "retention_all_for_hours",
        default=24,
        min=1,
        help="Hours for which every recovery point is kept.",
    ),
    cfg.IntOpt(
        "retention_per_day",
        default=4,
        min=0,
        help="Recovery points a day that are kept after that.",
    ),
    cfg.IntOpt(
        "retention_days",
        default=7,
        min=0,
        help="Days for which those are kept.",
    ),
    cfg.IntOpt(
        "undo_retention_days",
        default=7,
        min=0,
        help="Days for which undo copies are kept.",
    ),
    cfg.IntOpt(
        "history_days",
        default=90,
        min=1,
        help="Days for which the RPO that a group reached is kept.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]

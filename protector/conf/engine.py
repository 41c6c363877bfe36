# SPDX-License-Identifier: Apache-2.0
"""[engine]: how operations are run."""

from typing import Any

from oslo_config import cfg

GROUP = "engine"
opts = [
    cfg.IntOpt(
        "workers", default=1, min=1, help="Engine processes on this host."
    ),
    cfg.IntOpt(
        "max_operations",
        default=64,
        min=1,
        help="""
Operations that one engine process runs at once. Cleanups of test failovers,
which a move may wait for, have places of their own.
""",
    ),
    cfg.IntOpt(
        "member_parallelism",
        default=16,
        min=1,
        help="Steps that run side by side within one operation.",
    ),
    cfg.FloatOpt(
        "lease_seconds",
        default=20,
        min=1,
        help="""
How long an engine owns an operation without renewing.

What a dead engine left is adopted after this time plus ``call_margin``.
""",
    ),
    cfg.FloatOpt(
        "call_margin",
        default=40,
        min=0,
        help="""
Seconds between the end of a lease and its adoption: at least the longest
timeout of one outbound call, so that no late call of a stopped engine can
meet its successor.  Together with the lease it has to stay below two thirds
of ``lock_seconds``, or a planned move does not survive its engine.
""",
    ),
    cfg.FloatOpt(
        "scan_interval",
        default=5,
        min=0.1,
        help="Seconds between two looks for operations that nobody runs.",
    ),
    cfg.FloatOpt(
        "poll_interval",
        default=2,
        min=0.05,
        help="Seconds between two polls of a cloud or an array.",
    ),
    cfg.FloatOpt(
        "observe_interval",
        default=60,
        min=0.5,
        help="""
Seconds between two comparisons with the peer site and two readings of the
replication state from the arrays.
""",
    ),
    cfg.FloatOpt(
        "preflight_interval",
        default=300,
        min=0.5,
        help="""
Seconds between two preflights of every group, whose findings its health
shows.  A group of a new version is looked at within ``scan_interval``, one
with findings that stop a move again after ``observe_interval``.
""",
    ),
    cfg.FloatOpt(
        "lock_seconds",
        default=120,
        min=3,
        help="""
How long the source of a planned move stays locked without a renewal; it is
renewed every third of it.
""",
    ),
    cfg.FloatOpt(
        "step_timeout",
        default=600,
        min=1,
        help="Deadline, in seconds, of a step that names none of its own.",
    ),
    cfg.FloatOpt(
        "check_timeout",
        default=6,
        min=1,
        help="Deadline, in seconds, for the peer to answer before a change.",
    ),
    cfg.FloatOpt(
        "validate_timeout",
        default=15,
        min=0.1,
        help="""
Seconds in which every check of a site's validation must end; what has not
answered by then has failed.
""",
    ),
    cfg.FloatOpt(
        "push_timeout",
        default=15,
        min=1,
        help="""
Deadline, in seconds, for pushing a document within an operation; past it the
push is repeated in the background.
""",
    ),
    cfg.FloatOpt(
        "fence_timeout",
        default=120,
        min=1,
        help="""
Deadline, in seconds, for locking and stopping the servers of a site that an
unplanned failover left.  It runs beside the failover: when the group is
settled and the site has not answered at all, no more time is spent on it.
""",
    ),
    cfg.FloatOpt(
        "boot_delay_limit",
        default=3600,
        min=0,
        help="""
The longest time, in seconds, that a boot tier of a group holds up the next
one, whatever the group's mappings say.
""",
    ),
    cfg.FloatOpt(
        "drill_lease",
        default=4 * 3600,
        min=1,
        help="""
Seconds after which what a test failover made is removed, when the request
does not say.
""",
    ),
    cfg.FloatOpt(
        "drill_check_timeout",
        default=300,
        min=1,
        help="""
Seconds that a clone of a test failover has to pass one of its checks, when
the request does not say.
""",
    ),
    cfg.FloatOpt(
        "replication_timeout",
        default=14400,
        min=1,
        help="Deadline, in seconds, for one transfer between the arrays.",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]

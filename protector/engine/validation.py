# SPDX-License-Identifier: Apache-2.0
"""Validates a site: all checks side by side, each within its time.

A neighbour that hangs is the failure of its own checks and holds up no
other.  What is asked is in ``site_checks``.
"""

from collections.abc import Callable
import queue
import threading
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import exception
from protector.context import RequestContext
from protector.db.api import sites as site_rows
from protector.engine import access, reading
from protector.engine.site_checks import CHECKS, Check, Subject

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
# of the tenants' projects so many are looked at
PROJECTS = 5
# the part of the time that calls to clouds have: then a check can tell which
# service did not answer
CALLS = 0.9


def validate(runtime: Any, context: RequestContext, site_id: str) -> Json:
    """Every check of a site, whatever the others say: ``{"ok", "checks":
    [{"name", "status", "ok", "message", "fix"}]}``.

    Takes ``[engine] validate_timeout`` seconds at most.

    :raises NotFound: there is no such site.
    """
    seconds = runtime.conf.engine.validate_timeout
    with runtime.db.reader() as session:
        site = site_rows.get(session, site_id)
        projects = site_rows.projects(session, site, PROJECTS)

    def subject() -> Subject:
        clients = access.clients(
            runtime,
            site,
            before_change=reading.forbid,
            request_id=context.request_id,
            seconds=seconds * CALLS,
        )
        return Subject(runtime, site, clients, tuple(projects))

    checks = _side_by_side(runtime, context, subject, seconds)
    ok = all(check["ok"] for check in checks)
    with runtime.db.writer() as session:
        failed_checks = None if ok else _problems(checks)
        site_rows.validated(
            session, site_id, failed_checks, runtime.clock.now()
        )
    return {"ok": ok, "checks": checks}


def _problems(checks: list[Json]) -> str:
    return "; ".join(
        f"{check['name']}: {check['message']}"
        for check in checks
        if not check["ok"]
    )


def _side_by_side(
    runtime: Any,
    context: RequestContext,
    subject: Callable[[], Subject],
    seconds: float,
) -> list[Json]:
    """The results in the order of the checks.

    The threads are left behind when the time is over; the timeouts of their
    own calls end them.
    """
    answers: queue.SimpleQueue[Json] = queue.SimpleQueue()

    def run(check: Check) -> None:
        # what is logged here belongs to the request
        context.update_store()
        answers.put(_result(check, subject))

    for check in CHECKS:
        threading.Thread(
            target=run, args=(check,), name=check.name, daemon=True
        ).start()
    end = runtime.clock.monotonic() + seconds
    found: dict[str, Json] = {}
    while len(found) < len(CHECKS):
        try:
            left = max(0, end - runtime.clock.monotonic())
            answer = answers.get(timeout=left)
        except queue.Empty:
            break
        found[answer["name"]] = answer
    late = f"There was no answer within {seconds:g} s."
    return [
        found.get(check.name) or _shown(check, c.CheckStatus.FAILED, late)
        for check in CHECKS
    ]


def _result(check: Check, subject: Callable[[], Subject]) -> Json:
    try:
        told = check.run(subject())
    except exception.ProtectorError as e:
        # a remedy of the class is about operations
        fix = vars(e).get("remedy")
        return _shown(check, c.CheckStatus.FAILED, e.message, fix)
    except Exception as e:
        LOG.exception("Check %s failed unexpectedly", check.name)
        text = f"The answer was not understood ({type(e).__name__})."
        return _shown(check, c.CheckStatus.FAILED, text)
    if told.fix:
        return _shown(check, c.CheckStatus.WARNING, told.message, told.fix)
    return _shown(check, c.CheckStatus.PASSED, told.message)


def _shown(
    check: Check, status: c.CheckStatus, message: str, fix: str | None = None
) -> Json:
    if status == c.CheckStatus.FAILED:
        fix = fix or check.fix
    return {
        "name": str(check.name),
        "status": str(status),
        "ok": status != c.CheckStatus.FAILED,
        "message": message,
        "fix": fix,
    }

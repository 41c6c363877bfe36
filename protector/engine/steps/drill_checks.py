# SPDX-License-Identifier: Apache-2.0
"""The step that checks a clone: whether it runs, is wired, and says what it
should.

A check that is not passed is a result, never a failure of the step.
"""

from collections.abc import Callable
from typing import Any

from protector import exception
from protector.engine import drill, power
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]
# of the console, where a guest that has just booted writes
LINES = 200


# one look: whether it is passed, and what was seen
Look = Callable[[], tuple[bool, str]]
DEFAULT = ("active", "ports")


def check(ctx: StepContext) -> Json:
    """All checks of the member, until they are passed or their time is
    over."""
    server_id = drill.made(ctx, drill.SERVERS).get("0")
    if server_id is None:
        return {"checks": [_told("recoverable", False, "not in the point")]}
    looks = _looks(ctx, server_id)
    options, began = ctx.conf.engine, ctx.clock.monotonic()
    # the step itself must not meet its deadline
    limit = min(options.drill_check_timeout, options.step_timeout / 2)
    while True:
        seen = [_looked(name, look) for name, look in looks.items()]
        passed = ctx.clock.monotonic() - began
        if (
            # one that does not run by now will not pass the others
            not seen[0]["ok"]
            or all(one["ok"] for one in seen)
            or passed >= limit
        ):
            break
        ctx.pause(options.poll_interval)
    bad = [one["name"] for one in seen if not one["ok"]]
    text = f"not passed: {', '.join(bad)}" if bad else "all passed"
    return {"checks": seen, "message": text}


def _told(name: str, ok: bool, message: str) -> Json:
    return {"name": name, "ok": ok, "message": message}


def _looked(name: str, look: Look) -> Json:
    try:
        ok, message = look()
    except exception.CloudUnavailable:
        raise
    except exception.CloudError as e:
        ok, message = False, e.message
    return _told(name, ok, message)


def _looks(ctx: StepContext, server_id: str) -> dict[str, Look]:
    """By the name of the check; whether it runs is always the first."""
    found: dict[str, Look] = {"active": lambda: _active(ctx, server_id)}
    for name in ctx.operation.args.get("checks") or DEFAULT:
        kind, _, text = name.partition(":")
        if kind == "ports":
            found[name] = lambda: _ports(ctx, server_id)
        elif kind == "console":
            found[name] = lambda text=text: _console(ctx, server_id, text)
    return found


def _active(ctx: StepContext, server_id: str) -> tuple[bool, str]:
    server = ctx.tenant(ctx.target).compute.get_server(server_id)
    fault = f": {server.fault}" if server.fault else ""
    return server.status == power.RUNNING, f"{server.status}{fault}"


def _ports(ctx: StepContext, server_id: str) -> tuple[bool, str]:
    wanted = set(drill.made(ctx, drill.PORTS).values())
    ports = ctx.tenant(ctx.target).network.ports(device_id=server_id)
    up = {p.id for p in ports if p.status == "ACTIVE"}
    return wanted <= up, f"{len(wanted & up)} of {len(wanted)} ACTIVE"


def _console(ctx: StepContext, server_id: str, text: str) -> tuple[bool, str]:
    compute = ctx.tenant(ctx.target).compute
    said = text in compute.console_output(server_id, LINES)
    return said, f"{text!r} was {'' if said else 'not '}written"


STEPS = (Step("drills.check", check, 3),)

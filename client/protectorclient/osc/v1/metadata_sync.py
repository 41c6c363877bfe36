# SPDX-License-Identifier: Apache-2.0
"""The reports sync-status and sync-force, word for word as documented."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from protectorclient import errors, times
from protectorclient.osc import base, clouds, lookup
from protectorclient.osc.v1 import protection_groups

_STATUS_FIELDS = (
    "in_sync",
    "local",
    "remote",
    "validation",
    "actions_required",
    "histories",
)


class ShowSyncStatus(base.Report):
    """Show whether both sites know the same about a protection group"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Ask the site, or both."""
        said = self.clouds.both(lambda proxy: _ask(proxy, parsed_args.group))
        if len(said) == 1:
            self._said = said
            status = said[0].value
            return _STATUS_FIELDS, [status[key] for key in _STATUS_FIELDS]
        self._said = [answer for answer in said if answer.error is None]
        names = [answer.cloud for answer in self._said]
        return names, [dict(answer.value) for answer in self._said]

    def report(self, data: dict[str, Any]) -> str:
        """The documented text; of two sites one after the other."""
        if len(data) > 2:
            return status_report(self._said[0].value)
        return "\n\n".join(_headed(answer) for answer in self._said)


def _headed(answer: clouds.Said) -> str:
    return f"{answer.cloud}:\n{status_report(answer.value)}"


def _ask(proxy: Any, name: str) -> dict[str, Any]:
    """The status as a dictionary, site ids turned into names."""
    group = lookup.group(proxy, name)
    status = proxy.get_sync_status(group)
    local = dict(status.local or {})
    site = local.get("current_site")
    if site and lookup.is_id(site):
        local["current_site"] = lookup.site_names(proxy).get(site, site)
    return {
        "in_sync": bool(status.in_sync),
        "local": local,
        "remote": dict(status.remote or {}),
        "validation": list(status.validation or []),
        "actions_required": list(status.actions_required or []),
        "histories": list(status.histories or []),
        "served_at": status.served_at,
    }


def status_report(status: dict[str, Any]) -> str:
    """The text of sync-status.

    :param status: ``in_sync, local, remote, validation, actions_required``
        and ``served_at``, the server's clock that ages are counted from
    """
    in_sync = status["in_sync"]
    local, remote = status["local"], status["remote"]
    now = times.parse(status.get("served_at")) or datetime.now(UTC)
    age = times.ago(remote.get("last_sync"), now)
    last = f"{remote['last_sync']} ({age})" if age else "never"
    lines = [
        "Sync Status: " + ("✓ IN SYNC" if in_sync else "✗ OUT OF SYNC"),
        "Local Metadata:",
        f"Version: {local.get('version')}",
        f"Current Site: {local.get('current_site')}",
        f"Last Modified: {local.get('last_modified')}",
        "Remote Sync:",
        f"Status: {str(remote.get('status')).upper()}",
        f"Remote Version: {remote.get('version')}",
        f"Last Sync: {last}",
    ]
    if remote.get("error"):
        lines.append(f"Error: {remote['error']}")
    if status.get("histories"):
        lines += ["Histories:", *map(_history, status["histories"])]
    return "\n".join(lines + _verdict(status))


def _history(held: dict[str, Any]) -> str:
    if held.get("epoch") is None:
        return f"{held['site']}: nothing"
    return (
        f"{held['site']}: epoch {held['epoch']}, version {held['version']}, "
        f"last modified {held['last_modified']}, "
        f"checksum {held['checksum']}"
    )


def _verdict(status: dict[str, Any]) -> list[str]:
    """The end of the text: why it is in sync, or what to do."""
    if status["in_sync"]:
        checks = [
            f"{'✓' if check.get('ok') else '✗'} {check.get('message')}"
            for check in status["validation"]
        ]
        return [
            "Validation:",
            *checks,
            "Both sites have identical metadata.",
        ]
    actions = status["actions_required"]
    numbered = [f"{n}. {action}" for n, action in enumerate(actions, 1)]
    return ["Action Required:", *numbered] if numbered else []


class ForceSync(base.Waiting, base.Report):
    """Push the metadata of a protection group to the other site now"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        protection_groups.add_group_argument(parser)
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Push; on an unreachable peer say so as the report would."""
        group = lookup.group(self.proxy, parsed_args.group)
        self._peer = _peer_name(self.proxy, group)
        try:
            pushed = self.proxy.force_sync(group)
        except errors.ProtectorHttpException as error:
            if error.reason == "PeerUnreachable":
                self._say_unreachable(parsed_args)
            raise
        self.finish(pushed, group.name, parsed_args)
        if pushed.accepted_operation_id:
            pushed = self._settled(group, pushed)
        names = ("status", "version", "duration_ms", "operation_id")
        return names, [pushed[name] for name in names]

    def _settled(self, group: Any, pushed: Any) -> dict[str, Any]:
        """What it came to, after it was only accepted at first."""
        op_id = pushed.accepted_operation_id
        operation = self.proxy.get_operation(op_id)
        status = self.proxy.get_sync_status(group)
        seconds = operation.elapsed_seconds or 0
        return {
            "status": operation.outcome or operation.status,
            "version": (status.remote or {}).get("version"),
            "duration_ms": int(seconds * 1000),
            "operation_id": op_id,
        }

    def _say_unreachable(self, parsed_args: argparse.Namespace) -> None:
        if parsed_args.formatter == "table":
            self.app.stdout.write(
                "Force Sync Initiated...\n"
                "Checking remote site connectivity...\n"
                f"✗ {self._peer} is unreachable\n"
            )

    def report(self, data: dict[str, Any]) -> str:
        """The documented text: success means that each of it was done."""
        return force_report(data, self._peer)


def force_report(data: dict[str, Any], peer: str) -> str:
    """The text of sync-force.

    :param data: ``status, version, duration_ms`` as the service answered
    :param peer: name of the other site
    """
    version = data["version"]
    return "\n".join(
        (
            "Force Sync Initiated...",
            "Checking remote site connectivity...",
            f"✓ {peer} is reachable",
            f"Syncing metadata (version {version})...",
            "Gathering current metadata... ✓",
            "Calculating checksum... ✓",
            f"Pushing to {peer}... ✓",
            "Remote Site Response:",
            f"Status: {data['status']}",
            f"Version: {version}",
            f"Duration: {data['duration_ms']}ms",
            "✓ Sync completed successfully",
            f"Both sites now at version {version}",
        )
    )


def _peer_name(proxy: Any, group: Any) -> str:
    """Name of the group's site that is not the one that answers."""
    pair = (group.primary_site_id, group.secondary_site_id)
    for site in proxy.sites():
        if site.id in pair and not site.is_local:
            return str(site.name)
    return "the other site"

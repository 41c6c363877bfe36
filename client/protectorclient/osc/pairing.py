# SPDX-License-Identifier: Apache-2.0
"""Registers two sites with each other.

Each gets the account that it uses at the other one. Where the account comes
from: options, environment, ``clouds.yaml``, or the terminal; never the admin
who runs the command.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
import os
from typing import Any

from protectorclient.osc import failures


@dataclass(frozen=True)
class Account:
    """The service user of one cloud."""

    username: str
    password: str = field(repr=False)
    user_domain_name: str = "Default"
    project_name: str = "service"
    project_domain_name: str = "Default"


_FIELDS = {
    "username": "Service user",
    "password": "Its password; '-' or nothing asks for it on a terminal",
    "user_domain_name": "Domain of the service user (default: Default)",
    "project_name": "Project of the service user (default: service)",
    "project_domain_name": "Domain of its project (default: Default)",
}
_OPTION = {
    "username": "username",
    "password": "password",
    "user_domain_name": "user-domain-name",
    "project_name": "project-name",
    "project_domain_name": "project-domain-name",
}


def add_account_options(
    parser: argparse.ArgumentParser, prefix: str, title: str
) -> None:
    """Options for one account; ``prefix`` is ``service``, ``peer-service``."""
    group = parser.add_argument_group(title)
    for name, text in _FIELDS.items():
        group.add_argument(
            f"--{prefix}-{_OPTION[name]}",
            dest=f"{prefix.replace('-', '_')}_{name}",
            metavar=f"<{_OPTION[name]}>",
            help=text,
        )


def account(
    cloud: str,
    config: dict[str, Any],
    parsed_args: argparse.Namespace,
    prefixes: tuple[str, ...],
    ask: Callable[[str], str] | None,
) -> Account:
    """The service account of a cloud.

    :param cloud: its name, for messages
    :param config: its entry in ``clouds.yaml``
    :param parsed_args: the command line
    :param prefixes: of the options, the most particular first
    :param ask: asks for a secret on the terminal; None if there is none
    :raises failures.UsageError: no account is given
    """
    found: dict[str, str] = {}
    for name in _FIELDS:
        value = _given(name, config, parsed_args, prefixes)
        if value:
            found[name] = value
    if "username" not in found and ask is not None:
        found["username"] = "protector"
    if found.get("password", "-") == "-" and ask is not None:
        user = found["username"]
        found["password"] = ask(f"Password of {user} at {cloud}: ")
    if not found.get("username") or found.get("password", "-") == "-":
        raise failures.UsageError(
            f"no service account for {cloud}: give --service-username and "
            "--service-password, or OS_PROTECTOR_SERVICE_USERNAME and "
            "OS_PROTECTOR_SERVICE_PASSWORD, or protector_service_username "
            "and protector_service_password of the cloud in clouds.yaml"
        )
    return Account(**found)


def _given(
    name: str,
    config: dict[str, Any],
    parsed_args: argparse.Namespace,
    prefixes: tuple[str, ...],
) -> str | None:
    for prefix in prefixes:
        value = getattr(parsed_args, f"{prefix}_{name}", None)
        if value:
            return str(value)
    key = f"protector_service_{name}"
    return config.get(key) or os.environ.get(f"OS_{key.upper()}")


def register(at: Any, other: Any, who: Account) -> str:
    """Register the other site at a site, or renew what is registered.

    :param at: connection to the site that learns
    :param other: connection to the site it learns of
    :param who: the account at the other site
    :returns: id of the registered site
    :raises failures.UsageError: the other site has no record of itself
    """
    itself = other.protector.local_site()
    if itself is None:
        raise failures.UsageError(
            f"{other.name} has no record of itself; run 'protector-manage "
            "site init' there first"
        )
    attrs = {**_location(other), **vars(who)}
    known = at.protector.find_registered_site(itself.id, ignore_missing=True)
    if known is not None:
        at.protector.update_site(known, **attrs)
        return str(known.id)
    attrs.update(name=itself.name, description=itself.description or "")
    return str(at.protector.register_site(**attrs).id)


def _location(conn: Any) -> dict[str, Any]:
    """Where a cloud is, from its configuration."""
    config = conn.config
    attrs = {"auth_url": config.get_auth_args()["auth_url"]}
    region = config.get_region_name("protector")
    if region:
        attrs["region_name"] = region
    override = config.get_endpoint("protector")
    if override:
        attrs["endpoint"] = override
    verify, _cert = config.get_requests_verify_args()
    if isinstance(verify, str):
        with open(verify) as file:
            attrs["cacert"] = file.read()
    elif not verify:
        attrs["verify"] = False
    return attrs

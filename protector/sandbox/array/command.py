# SPDX-License-Identifier: Apache-2.0
"""The command that runs emulated arrays as a process of their own: one, or
two that replicate to each other.

It prints ``ready <url>`` for each when it serves, and how a Cinder is told of
them; it ends cleanly on SIGTERM.
"""

import argparse
import dataclasses
import ipaddress
import logging
import pathlib
import signal
import sys
import threading
from types import FrameType
import uuid

from protector.sandbox.array import tls
from protector.sandbox.array.server import ArrayServer, Settings

ASYNC, SYNC = "async-replication", "sync-replication"
DESCRIPTION = """\
Emulated FlashArrays, REST 1.x and 2.x over HTTPS with real bytes behind each
volume, on loopback addresses: for a Cinder with the Pure driver, or for the
vendor's SDKs, where there is no array. What they hold survives a restart.
"""
_DEFAULTS = (
    ("--name", "array-a", "the array's name"),
    ("--pair-name", "array-b", "that of a second array"),
    ("--port", 8443, "of both"),
)
_ADDRESS = ipaddress.IPv4Address("127.0.0.11")
_STATE = pathlib.Path(".sandbox-array")
_TOKEN = "api-token"
_CINDER = """\

# cinder.conf; the certificate's authority is in {ca}
[DEFAULT]
enabled_backends = {name}

[{name}]
volume_driver = cinder.volume.drivers.pure.PureISCSIDriver
volume_backend_name = {name}
san_ip = {target}
pure_api_token = {token}"""
_REPLICATED = (
    "replication_device = backend_id:{name},san_ip:{target},"
    "api_token:{token},type:{type}"
)


def serve(
    arrays: list[Settings], link: str | None = None, told: str = ""
) -> None:
    """Serve arrays until SIGTERM or SIGINT; from the main thread only.

    :param link: what connects the first to the second, if there are two.
    :param told: printed once they serve.
    """
    servers = [ArrayServer(settings) for settings in arrays]
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threads = []
    for server in servers:
        server.prepare()
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        threads.append(thread)
    if link:
        _connect(*servers, link)
    ready = "".join(f"ready {server.url}\n" for server in servers)
    print(ready + told, end="", flush=True)  # noqa: T201
    stopping.wait()
    for server in servers:
        server.stop()
    for thread in threads:
        thread.join(5)


def _connect(one: ArrayServer, other: ArrayServer, link: str) -> None:
    """Connect two arrays, unless they are since an earlier start."""
    links = one.array.links
    if not links.listing():
        target = other.url.removeprefix("https://")
        links.connect(target, other.array.core.connection_key, [link], None)


def cinder(arrays: list[Settings], link: str | None) -> str:
    """How a Cinder is told of the first array, and of the other one."""
    first, *others = [
        {
            "name": each.name,
            "target": f"{each.address}:{each.port}",
            "token": each.api_token,
            "ca": str(each.state / tls.CA),
            "type": (link or "").partition("-")[0],
        }
        for each in arrays
    ]
    replicated = [_REPLICATED.format(**words) for words in others]
    return "\n".join([_CINDER.format(**first), *replicated, ""])


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the options of a command line; ``settings`` reads them."""
    parser = argparse.ArgumentParser(
        prog="protector-sandbox array", description=DESCRIPTION
    )
    for name, default, about in _DEFAULTS:
        parser.add_argument(
            name,
            type=type(default),
            default=default,
            help=f"{about} (default: %(default)s)",
        )
    parser.add_argument(
        "--address",
        type=ipaddress.IPv4Address,
        default=_ADDRESS,
        help="a loopback address; a second array has the next one"
        " (default: %(default)s)",
    )
    parser.add_argument(
        "--state",
        type=pathlib.Path,
        default=_STATE,
        help="directory of what they hold (default: %(default)s)",
    )
    parser.add_argument(
        "--api-token", help="one is made and kept if none is given"
    )
    parser.add_argument(
        "--rest",
        choices=("1", "2"),
        action="append",
        help="a generation of REST that it speaks; both if none is given",
    )
    parser.add_argument(
        "--pair",
        nargs="?",
        const=ASYNC,
        choices=(ASYNC, SYNC),
        help="run a second array and connect them; without a value for"
        " asynchronous replication",
    )
    options = parser.parse_args(argv)
    if not options.address.is_loopback:
        parser.error("the emulation is served on loopback only")
    return options


def settings(options: argparse.Namespace) -> list[Settings]:
    """Return the arrays that are asked for: one, or two."""
    state = options.state.resolve()
    first = Settings(
        name=options.name,
        address=str(options.address),
        port=options.port,
        state=state,
        api_token=options.api_token or _kept_token(state),
        rest=tuple(options.rest or ("1", "2")),
    )
    if not options.pair:
        return [first]
    state = state / options.pair_name
    second = dataclasses.replace(
        first,
        name=options.pair_name,
        address=str(options.address + 1),
        state=state,
        api_token=options.api_token or _kept_token(state),
    )
    return [first, second]


def _kept_token(state: pathlib.Path) -> str:
    """The token that an earlier start made, or a new one."""
    path = state / _TOKEN
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(str(uuid.uuid4()))
    return path.read_text()


def main(argv: list[str] | None = None) -> int:
    """Run arrays; return the exit status."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    options = parse(sys.argv[1:] if argv is None else argv)
    arrays = settings(options)
    # who has given a token knows it, and may keep what is printed
    told = "" if options.api_token else cinder(arrays, options.pair)
    serve(arrays, options.pair, told)
    return 0

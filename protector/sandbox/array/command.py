# SPDX-License-Identifier: Apache-2.0
"""The command that runs one emulated array as a process of its own.

It prints ``ready <url>`` when it serves and ends cleanly on SIGTERM.
"""

import argparse
import ipaddress
import logging
import pathlib
import signal
import sys
import threading
from types import FrameType

from protector.sandbox.array.server import ArrayServer, Settings


def serve(settings: Settings) -> None:
    """Serve one array until SIGTERM or SIGINT; from the main thread only."""
    server = ArrayServer(settings)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    print(f"ready {server.url}", flush=True)  # noqa: T201
    stopping.wait()
    server.stop()
    thread.join(5)


def parse(argv: list[str]) -> Settings:
    """Return the settings of a command line."""
    parser = argparse.ArgumentParser(prog="protector.sandbox.array")
    parser.add_argument("--name", required=True, help="the array's name")
    parser.add_argument("--address", required=True, help="a loopback address")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--state", type=pathlib.Path, required=True)
    parser.add_argument("--api-token", required=True)
    parser.add_argument(
        "--rest",
        choices=("1", "2"),
        action="append",
        help="a generation of REST that it speaks; default: both",
    )
    options = parser.parse_args(argv)
    if not ipaddress.ip_address(options.address).is_loopback:
        parser.error("the emulation is served on loopback only")
    return Settings(
        name=options.name,
        address=options.address,
        port=options.port,
        state=options.state.resolve(),
        api_token=options.api_token,
        rest=tuple(options.rest or ("1", "2")),
    )


def main(argv: list[str] | None = None) -> int:
    """Run an array; return the exit status."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    serve(parse(sys.argv[1:] if argv is None else argv))
    return 0

# SPDX-License-Identifier: Apache-2.0
"""Run one emulated cloud as a process of its own."""

import argparse
import logging
import signal
import sys
import threading
import types

from protector.sandbox.cloud import assembly, context


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m protector.sandbox.cloud",
        description="Serve one emulated OpenStack cloud.",
    )
    parser.add_argument("--site", required=True)
    parser.add_argument("--address", default="127.0.88.1")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--state", required=True, metavar="DIR")
    for prefix in ("", "peer-"):
        parser.add_argument(f"--{prefix}array-url")
        parser.add_argument(f"--{prefix}array-token", default="")
        parser.add_argument(f"--{prefix}array-ca", metavar="FILE")
        parser.add_argument(f"--{prefix}array-target", metavar="ARRAY")
        parser.add_argument(f"--{prefix}array-pod", metavar="POD")
    return parser.parse_args(argv)


def _array(options: argparse.Namespace, prefix: str) -> context.Array | None:
    values = vars(options)
    if not values[f"{prefix}array_url"]:
        return None
    return context.Array(
        url=values[f"{prefix}array_url"],
        token=values[f"{prefix}array_token"],
        ca=values[f"{prefix}array_ca"],
        target=values[f"{prefix}array_target"],
        pod=values[f"{prefix}array_pod"],
    )


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; print ``ready <url>`` first."""
    options = parse(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    running = assembly.RunningCloud(
        site=options.site,
        address=options.address,
        port=options.port,
        state=options.state,
        array=_array(options, ""),
        peer_array=_array(options, "peer_"),
    )
    stop = threading.Event()

    def leave(number: int, frame: types.FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    running.start()
    print(f"ready {running.url}", flush=True)
    stop.wait()
    running.stop()
    return 0

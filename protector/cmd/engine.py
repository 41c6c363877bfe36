# SPDX-License-Identifier: Apache-2.0
"""protector-engine: the daemon that runs operations."""

import functools
import sys

import cotyledon

from protector import service
from protector.engine import service as engine_service


def main() -> int:
    """Run the engine workers until SIGTERM; the exit status."""
    arguments = sys.argv[1:]
    conf = service.load_conf(arguments)
    manager = cotyledon.ServiceManager(graceful_shutdown_timeout=60)
    manager.add(
        engine_service.EngineService,
        workers=conf.engine.workers,
        args=(functools.partial(service.prepare, arguments),),
    )
    manager.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())

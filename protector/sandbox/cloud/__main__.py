# SPDX-License-Identifier: Apache-2.0
"""``python -m protector.sandbox.cloud``."""

import sys

from protector.sandbox.cloud import server

if __name__ == "__main__":
    sys.exit(server.main())

# SPDX-License-Identifier: Apache-2.0
"""Runs one emulated array: ``python -m protector.sandbox.array``."""

import sys

from protector.sandbox.array import command

if __name__ == "__main__":
    sys.exit(command.main())

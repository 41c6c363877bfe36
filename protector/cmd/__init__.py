# SPDX-License-Identifier: Apache-2.0
"""The console scripts."""

from protector import threading_backend

# before any other import, see there
threading_backend.select()

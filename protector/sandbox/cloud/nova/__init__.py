# SPDX-License-Identifier: Apache-2.0
"""The emulated Nova: the compute API 2.96 (to 2.104 by a setting)."""

from protector.sandbox.cloud.nova.service import Nova

__all__ = ["Nova"]

# SPDX-License-Identifier: Apache-2.0
"""The emulated Placement: what preflights read of it."""

from protector.sandbox.cloud.placement.service import Placement

__all__ = ["Placement"]

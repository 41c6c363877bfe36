# SPDX-License-Identifier: Apache-2.0
"""The emulated Neutron: Networking v2.0."""

from protector.sandbox.cloud.neutron.service import Neutron

__all__ = ["Neutron"]

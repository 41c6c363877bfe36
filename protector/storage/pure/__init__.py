# SPDX-License-Identifier: Apache-2.0
"""The replication driver for Pure Storage (Everpure) FlashArrays."""

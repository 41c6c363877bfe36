# SPDX-License-Identifier: Apache-2.0
"""The engine: runs operations, keeps the sites in sync, watches arrays."""

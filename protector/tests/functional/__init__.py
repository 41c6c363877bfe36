# SPDX-License-Identifier: Apache-2.0
"""Functional tests: whole parts together, real servers on loopback."""

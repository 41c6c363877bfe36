# SPDX-License-Identifier: Apache-2.0
"""Tests of what must hold when something dies or misbehaves."""

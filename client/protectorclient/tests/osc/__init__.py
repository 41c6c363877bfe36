# SPDX-License-Identifier: Apache-2.0
"""Tests: everything against a small server that speaks real HTTP."""

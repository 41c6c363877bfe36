# SPDX-License-Identifier: Apache-2.0
"""Tests of the REST service, most of them over HTTP on loopback."""

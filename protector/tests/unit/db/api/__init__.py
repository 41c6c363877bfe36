# SPDX-License-Identifier: Apache-2.0
"""Tests of the queries; each also runs on MariaDB, as a functional test."""

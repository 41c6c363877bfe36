# SPDX-License-Identifier: Apache-2.0
"""Protector: disaster recovery for OpenStack tenants."""

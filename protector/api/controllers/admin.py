# SPDX-License-Identifier: Apache-2.0
"""``/v1/admin``: what belongs to the cloud, not to a project."""

from pecan import rest


class AdminController(rest.RestController):
    RESERVED = ("sites", "tenant-mappings")

# SPDX-License-Identifier: Apache-2.0
"""The OpenStackClient plugin: ``openstack protector ...``."""

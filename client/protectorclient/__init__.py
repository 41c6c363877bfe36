# SPDX-License-Identifier: Apache-2.0
"""The client of Protector: an SDK proxy and an OpenStackClient plugin."""

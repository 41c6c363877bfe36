# SPDX-License-Identifier: Apache-2.0
"""Resources and proxy of version 1 of the Protector API."""

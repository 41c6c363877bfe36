# SPDX-License-Identifier: Apache-2.0
"""Requests that are made of the OpenAPI document, by the thousand."""

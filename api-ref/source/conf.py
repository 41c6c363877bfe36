# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration of the API reference."""

from protector import threading_backend

# before any other import, see there
threading_backend.select()

from protector.api import microversion  # noqa: E402

extensions = ["openstackdocstheme", "os_api_ref"]

project = "Protector API Reference"
copyright = "Protector contributors"
master_doc = "index"
pygments_style = "native"

html_theme = "openstackdocs"
html_theme_options = {"sidebar_dropdown": "api_ref", "sidebar_mode": "toc"}
openstackdocs_auto_name = False
openstackdocs_bug_project = ""
openstackdocs_bug_tag = ""
openstackdocs_repo_name = "openstack/protector"
openstackdocs_use_storyboard = False

os_api_ref_min_microversion = str(microversion.MINIMUM)
os_api_ref_max_microversion = str(microversion.MAXIMUM)

# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration of the release notes."""

extensions = ["openstackdocstheme", "reno.sphinxext"]

project = "Protector Release Notes"
copyright = "Protector contributors"
master_doc = "index"
pygments_style = "native"

html_theme = "openstackdocs"
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_bug_project = ""
openstackdocs_bug_tag = ""
openstackdocs_repo_name = "openstack/protector"
openstackdocs_use_storyboard = False

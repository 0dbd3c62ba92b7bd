"""How the release notes are built."""

extensions = ['openstackdocstheme', 'reno.sphinxext']

project = 'blockstore release notes'
copyright = 'blockstore developers'
master_doc = 'index'
source_suffix = {'.rst': 'restructuredtext'}
exclude_patterns = []
pygments_style = 'native'

html_theme = 'openstackdocs'
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_pdf_link = False
openstackdocs_repo_name = 'blockstore'
version = release = ''

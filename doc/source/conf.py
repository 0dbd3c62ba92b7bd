"""How the documentation is built; also makes the generated pages."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GENERATED = HERE / '_generated'
DIAGRAM = 'blockstore.lifecycle.diagram'

sys.path[:0] = [str(ROOT), str(HERE)]

import tables  # noqa: E402 - found by the line above

extensions = ['openstackdocstheme', 'sphinx.ext.autodoc']

project = 'blockstore'
copyright = 'blockstore developers'
master_doc = 'index'
source_suffix = {'.rst': 'restructuredtext'}
exclude_patterns = ['_generated/*.inc.rst']
pygments_style = 'native'
add_module_names = False
autodoc_member_order = 'bysource'

html_theme = 'openstackdocs'
html_theme_options = {'display_global_toc_section': True}
openstackdocs_auto_name = False
openstackdocs_auto_version = False
openstackdocs_pdf_link = False
openstackdocs_repo_name = 'blockstore'
version = release = ''


def generate() -> None:
    """Make status machines and tables from those that the code obeys."""
    subprocess.run([sys.executable, '-m', DIAGRAM, str(GENERATED)],
                   check=True, cwd=ROOT)
    tables.write(GENERATED)


generate()

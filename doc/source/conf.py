"""How the documentation is built; also makes the generated pages."""

import importlib.util
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GENERATED = HERE / '_generated'
DIAGRAM = 'blockstore.lifecycle.diagram'

sys.path.insert(0, str(ROOT))

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
    """Write the pages that come out of the code.

    ``python -m blockstore.lifecycle.diagram`` draws every status table, as
    reStructuredText.  A tree without that module says where to look.
    """
    GENERATED.mkdir(exist_ok=True)
    if importlib.util.find_spec(DIAGRAM):
        text = subprocess.run(
            [sys.executable, '-m', DIAGRAM], check=True, cwd=ROOT,
            capture_output=True, text=True).stdout
    else:
        text = 'The status tables are in ``blockstore/lifecycle``.\n'
    path = GENERATED / 'statuses.inc.rst'
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


generate()

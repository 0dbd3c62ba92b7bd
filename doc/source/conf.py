"""How the documentation is built; also makes the generated pages."""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
GENERATED = HERE / '_generated'

sys.path.insert(0, str(HERE.parent.parent))

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

    ``blockstore.lifecycle.diagram`` draws every status table: its ``rst()``
    returns the text of a page.  Until there is such a module the page says
    so.
    """
    GENERATED.mkdir(exist_ok=True)
    try:
        diagram = importlib.import_module('blockstore.lifecycle.diagram')
        text = diagram.rst()
    except ModuleNotFoundError as missing:
        if missing.name != 'blockstore.lifecycle.diagram':
            raise
        text = 'The status tables are in ``blockstore/lifecycle``.\n'
    path = GENERATED / 'statuses.inc.rst'
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


generate()

"""The site of docs/: ``bash scripts/docs.sh`` builds it into docs/_build/html."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from pydoc import locate
from typing import Any

from sphinx.util.nodes import make_refnode

import imbench

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "imbench"
author = "imbench contributors"
version = release = imbench.__version__
html_title = f"imbench {release}"

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["_build", "gallery", "**/*.ipynb"]
nitpicky = True

# Markdown: headings can be linked, as on GitHub.
myst_heading_anchors = 3

# Docstrings: their types are words such as "array of shape (n, d)", no references.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
autodoc_default_options = {
    # scikit-learn adds them to every estimator.
    "exclude-members": "set_fit_request,set_score_request,set_predict_request"
}

sys.path.append(str(HERE))  # of gallery_figures

sphinx_gallery_conf = {
    "image_scrapers": ("gallery_figures.own_figures", "matplotlib"),
    "capture_repr": ("_repr_html_",),
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,  # that page loads scripts from the network
}

# Nothing is fetched when a page is viewed: search is that of Sphinx, fonts are the theme's own.
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "navbar_center": [],
    "navigation_with_keys": False,
    "footer_start": ["sphinx-version"],
    "footer_end": [],
}
html_sidebars = {"**": ["globaltoc.html"]}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False

# Markdown outside of docs/ becomes pages of the site: copies, which git ignores.
COPIES = {ROOT / "CONTRIBUTING.md": "project/contributing.md"} | {
    path: f"published/{path.name}" for path in (ROOT / "results" / "tables").glob("*.md")
}


def _copy(app: Any, config: Any) -> None:
    """Write the copies, with links that hold in their new place."""
    for path, page in COPIES.items():
        target = HERE / page
        up = "../" * page.count("/")
        text = re.sub(r"\]\((\.\./\.\./)?docs/", f"]({up}", path.read_text(encoding="utf-8"))
        text = re.sub(r"\]\((?=(imbench|tests|scripts|conf)/)", f"](../{up}", text)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text, encoding="utf-8")


def _read(app: Any, name: str, source: list[str]) -> None:
    """Point links at the copies, and show diagrams as text: no script has to be fetched."""
    text = source[0].replace("```mermaid\n", "```text\n")
    for path, page in COPIES.items():
        text = text.replace(f"](../{path.relative_to(ROOT).as_posix()}", f"]({page}")
    source[0] = text


def _resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
    """Find names of the package that api.md shows by another path, or not at all.

    A name that does not exist stays a warning.
    """
    if node.get("refdomain") != "py":
        return None
    target, place = node["reftarget"], [node.get("py:module") or "", node.get("py:class") or ""]
    shown = env.domains.python_domain.objects
    for name, entry in shown.items():
        if f".{name}".endswith(f".{target}") or _is_same(name, target):
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode)
    home = getattr(locate(".".join(filter(None, place))), "__module__", "")
    around = [target, f"{place[0]}.{target}", f"{place[0]}.{place[1]}.{target}", f"{home}.{target}"]
    is_ours = any(name.startswith("imbench.") and locate(name) for name in around)
    return contnode if is_ours else None


def _is_same(name: str, target: str) -> bool:
    """Return whether two paths lead to one class or function."""
    if name.rpartition(".")[2] != target.rpartition(".")[2]:
        return False
    found = locate(name)
    return found is not None and found is locate(target)


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("missing-reference", _resolve)
    app.connect("config-inited", _copy)
    app.connect("source-read", _read)

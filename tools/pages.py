"""The HTML page of an executed notebook, complete in itself: it needs no network and no script."""

import re
from pathlib import Path

from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TEMPLATE = Path(__file__).with_name("page.html.j2")


def html_page(notebook, name):
    """The page of a notebook.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        Its first heading is the title of the page.
    name : str
        The name of its file, the title where there is no heading.

    Returns
    -------
    str
    """
    page, _ = _Exporter().from_notebook_node(notebook, {"metadata": {"name": name}})
    soup = BeautifulSoup(page, features="html.parser")
    for link in soup.select("a[href]"):
        link["href"] = re.sub(r"^(?!\w+:)([^/]+)\.ipynb(?=#|$)", r"\1.html", link["href"])
    heading = soup.find("h1")
    if heading:
        soup.title.string = heading.get_text()
    _add_contents(soup)
    return str(soup)


def _add_contents(soup):
    """A list of the sections at the top of the page, beside the text where there is room."""
    contents = soup.find("nav").find("ul")
    for section in soup.select("h2"):
        section["id"] = section.get_text().replace(" ", "-")  # as in Jupyter
        item, link = soup.new_tag("li"), soup.new_tag("a", href=f"#{section['id']}")
        link.string = section.get_text()
        item.append(link)
        contents.append(item)
    if not contents.find("li"):
        soup.find("nav").decompose()


class _Renderer(IPythonRenderer):
    """Formulas as MathML, which browsers show by themselves."""

    def block_math(self, body):
        return convert(body, display="block")

    def inline_math(self, body):
        return convert(body)

    def latex_environment(self, name, body):
        return convert(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")


class _Exporter(HTMLExporter):
    """nbconvert's page with the template beside this file."""

    def __init__(self):
        super().__init__(raw_template=TEMPLATE.read_text(encoding="utf-8"))

    def markdown2html(self, context, source):
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = _Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
        return MarkdownWithMath(renderer=renderer).render(source)

    markdown2html.__dict__.update(HTMLExporter.markdown2html.__dict__)  # it is passed the context

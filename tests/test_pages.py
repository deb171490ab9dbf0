"""The pages of `make run`: what a browser finds in them."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools.notebooks import ROOT, notebook_paths
from tools.pages import html_page

PICTURE = new_output(
    "display_data",
    {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"},
    metadata={"image/png": {"alt": 'Loss & "accuracy" by B.', "width": 300}},
)
CELLS = [
    new_markdown_cell("# 2 · Softmax & loss\n\nSee [notebook 1](01_data.ipynb#The-images) first."),
    new_markdown_cell("## The model\n\nWith $z = x^\\top W$\n\n$$p_k = \\frac{e^{z_k}}{2} .$$"),
    new_code_cell("plot()  # " + "wide " * 60, outputs=[PICTURE], execution_count=1),
    new_markdown_cell("## A [link](https://example.org/a.ipynb)\n\nand [code](../helpers/sgd.py)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def page():
    return BeautifulSoup(html_page(new_notebook(cells=CELLS), "02_softmax"), "html.parser")


def links(page):
    return [link["href"] for link in page.select("main a[href]")]


def test_the_title_is_that_of_the_notebook(page):
    assert page.title.string == "2 · Softmax & loss"
    untitled = html_page(new_notebook(cells=[new_code_cell("1")]), "02_softmax")
    assert BeautifulSoup(untitled, "html.parser").title.string == "02_softmax"


def test_links_between_notebooks_lead_to_pages(page):
    assert links(page) == [
        "01_data.html#The-images",
        "https://example.org/a.ipynb",
        "../helpers/sgd.py",
    ]


def test_formulas_are_mathml(page):
    inline, block = page.find_all("math")
    assert inline["display"] == "inline" and block["display"] == "block"
    assert block.find("mfrac") and "$" not in page.find("main").get_text()


def test_a_page_needs_no_network_and_no_script(page):
    assert not page.find_all(["script", "link", "iframe"])
    sources = [tag["src"] for tag in page.select("[src]")]
    assert all(source.startswith("data:") for source in sources)
    assert not re.search(r"@import|url\((?!\"?data:|'?data:)", str(page.find_all("style")))


def test_the_contents_name_every_section_and_lead_there(page):
    entries = page.select("nav a")
    assert [entry.get_text() for entry in entries] == ["The model", "A link"]
    for entry in entries:
        assert page.find(id=entry["href"].removeprefix("#")).get_text() == entry.get_text()


def test_a_picture_has_its_alternative_text_and_its_width(page):
    (picture,) = page.find_all("img")
    assert picture["alt"] == 'Loss & "accuracy" by B.' and picture["width"] == "300"


def test_dark_mode_and_scrolling_are_in_the_style(page):
    assert page.find("style", media=re.compile("prefers-color-scheme: dark"))
    assert re.search(r"\.jp-InputArea-editor[^}]*overflow-x: auto", str(page.find_all("style")[-1]))


@pytest.mark.slow
@pytest.mark.parametrize("path", notebook_paths(ROOT), ids=lambda path: path.stem)
def test_the_pages_of_the_notebooks(path):
    notebook = nbformat.read(path, as_version=4)
    page = BeautifulSoup(html_page(notebook, path.stem), "html.parser")
    assert page.title.string == notebook.cells[0].source.split("\n")[0].removeprefix("# ")
    assert page.select("nav a") and not page.select("main script")
    for code in page.select(".jp-RenderedMarkdown code"):
        code.extract()  # it may hold a path of Windows
    for text in page.select(".jp-RenderedMarkdown"):
        assert not re.search(r"\$|\\[a-z]+", text.get_text()), "a formula was left as TeX"
    for picture in page.find_all("img"):
        assert len(picture["alt"]) > 20 and "No description" not in picture["alt"]
    pages = {f"{other.stem}.html" for other in notebook_paths(ROOT)}
    for link in links(page):
        target = link.split("#")[0]
        assert re.match("https?://", link) or target in pages or (path.parent / target).exists()

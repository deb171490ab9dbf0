"""The pages of `make run` in a real browser, without a network. Part of `make browser`."""

import re
from urllib.parse import unquote, urldefrag

import nbformat
import pytest
from actions import SCREENSHOTS

from tools.notebooks import ROOT, notebook_paths
from tools.pages import html_page

NAMES = [path.stem for path in notebook_paths(ROOT)]
# Parts of a page that reach beyond its right edge and do not scroll by themselves.
CUT_OFF = """() => [...document.querySelectorAll('main *, nav *')].filter(element => {
    if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
    for (let parent = element; parent; parent = parent.parentElement)
        if (/auto|scroll/.test(getComputedStyle(parent).overflowX)) return false;
    return getComputedStyle(element).visibility !== 'hidden';
}).map(element => element.outerHTML.slice(0, 200))"""

IS_THERE = "id => document.getElementById(id) !== null"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of the pages, made of the outputs that the notebooks hold."""
    folder = tmp_path_factory.mktemp("course") / "build"
    folder.mkdir()
    for path in notebook_paths(ROOT):
        page = html_page(nbformat.read(path, as_version=4), path.stem)
        (folder / f"{path.stem}.html").write_text(page, encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, pages):
    """A function that opens a page; whatever it asks the network for is an error."""
    contexts, asked = [], []

    def open_page(name, width=1280, theme="light"):
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, color_scheme=theme, offline=True))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((pages / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_fits_and_can_be_read(opened, name, width, theme):
    page = opened(name, width, theme)
    page.set_viewport_size({"width": width, "height": 16_000})
    for part in range(1, 2 + page.evaluate("document.documentElement.scrollHeight") // 16_000):
        page.screenshot(path=SCREENSHOTS / f"page-{name}-{width}-{theme}-{part}.png")
        page.evaluate("scrollBy(0, innerHeight)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT_OFF) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", paper)[:3])) < 80) == (theme == "dark")
    for formula in page.locator("math").all():
        assert formula.bounding_box()["width"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_links_and_contents_lead_somewhere(opened, pages, name):
    page = opened(name)
    assert page.locator("nav a").count() == page.locator("h2").count() > 0
    links = {link.evaluate("link => link.href") for link in page.locator("a[href]").all()}
    for link in sorted(links):
        address, place = urldefrag(link)
        if not address.startswith(pages.parent.as_uri()):
            assert address.startswith("http"), address
        elif address.startswith(pages.as_uri()):
            there = opened(address.rpartition("/")[2].removesuffix(".html"))
            assert not place or there.evaluate(IS_THERE, unquote(place)), link
        else:  # a file of the checkout
            assert (ROOT / address.removeprefix(f"{pages.parent.as_uri()}/")).exists(), link


def test_a_click_on_the_contents_scrolls(opened):
    page = opened(NAMES[-1])
    entry = page.locator("nav a").last
    entry.click()
    section = page.locator("h2", has_text=entry.inner_text())
    assert 0 <= section.bounding_box()["y"] < 900

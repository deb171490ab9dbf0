"""Pages of feedback: bounded, and harmless to whoever opens them."""

import base64

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from grading.giving_back.pages import MOST_BYTES, cleaned, render


def page(folder, *cells, **options):
    render(new_notebook(cells=cells), folder / "page.html", "page", **options)
    return (folder / "page.html").read_text("utf-8")


def code(source="", **output):
    return new_code_cell(source, outputs=[new_output(**output)] if output else [])


@pytest.mark.parametrize(
    "cell",
    [
        code(output_type="stream", text="x" * 50_000_000),
        code(output_type="display_data", data={"text/html": "<b>x</b>" * 1_000_000}),
        code("x" * 5_000_000),
        new_markdown_cell("word " * 1_000_000),
    ],
    ids=["a line of 50 MB", "html", "source", "text"],
)
def test_nothing_makes_a_page_too_large(tmp_path, cell):
    assert len(page(tmp_path, cell).encode()) < MOST_BYTES


@pytest.mark.slow
def test_nor_do_many_things(tmp_path):
    cells = [code("x" * 5_000, output_type="stream", text="y" * 5_000) for _ in range(1_000)]
    assert len(page(tmp_path, *cells).encode()) < MOST_BYTES


def test_what_has_no_room_is_named_and_the_rest_is_shown(tmp_path):
    picture = base64.b64encode(bytes(9_000_000)).decode()
    shown = page(
        tmp_path,
        code("large", output_type="display_data", data={"image/png": picture}),
        code("small", output_type="display_data", data={"image/png": "c21hbGw="}),
    )
    assert "12 MB of outputs are left out" in shown and "c21hbGw=" in shown


def test_widgets_without_a_state_do_not_stop_it(tmp_path):
    notebook = new_notebook(cells=[code("1 + 1")], metadata={"widgets": {"x": {}}})
    render(notebook, tmp_path / "page.html", "page")
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    "text",
    [
        "<script>steal()</script>", "<p onclick='steal()'>", "<a href='javascript:steal()'>x</a>",
        "<iframe src='https://steal'></iframe>", "<img src='https://steal/x.png'>",
        "<img src=x onerror=steal()>", "<style>@import 'https://steal'</style>",
        "<svg onload=steal()>", "<form action='https://steal'><input></form>",
    ],
)  # fmt: skip
def test_nothing_runs_or_loads(tmp_path, text):
    shown = page(
        tmp_path,
        new_markdown_cell(text),
        code(output_type="display_data", data={"text/html": text}),
        code(output_type="display_data", data={"application/javascript": "steal()"}),
    )
    assert "steal" not in shown.split("<main")[-1]


def test_tables_headings_and_pictures_of_an_answer_stay():
    picture = "data:image/png;base64,aaaa"
    for text in "<h2>Title</h2>", "<table><tr><td>1</td></tr></table>", f'<img src="{picture}">':
        assert cleaned(text).replace("<tbody>", "").replace("</tbody>", "") == text


def test_boxes_stand_where_their_words_are(tmp_path):
    shown = page(tmp_path, new_markdown_cell("a-word"), boxes={"a-word": "<div>the box</div>"})
    assert "<div>the box</div>" in shown and "a-word" not in shown

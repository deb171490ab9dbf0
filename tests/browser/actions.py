"""What a student does in JupyterLab and in Notebook 7, and what then is to be seen."""

import re
from contextlib import contextmanager

import nbformat

from tools.notebooks import ROOT

SCREENSHOTS = ROOT / "build" / "browser"
PATHS = {
    "lab": "lab/workspaces/auto-w/tree/notebooks/{name}.ipynb?token=t&reset",
    "notebook": "notebooks/notebooks/{name}.ipynb?token=t",
}
ESCAPE = re.compile(r"\x1b\[[\d;]*m")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
PANEL = "window.jupyterapp.shell.currentWidget"
HAS_A_COUNT = f"index => {PANEL}.content.model.cells.get(index).executionCount !== null"
HAS_ENDED = f"""index => {{
    const cell = {PANEL}.content.model.cells.get(index);
    return cell.executionCount !== null && cell.executionState === 'idle';
}}"""
NO_CELL_RUNS = f"""() => [...{PANEL}.content.model.cells].every(
    cell => cell.type !== 'code' || cell.executionState === 'idle')"""
# The pictures among the outputs that are on the screen, and how many colors each has.
PICTURES = """() => [...document.querySelectorAll('.jp-OutputArea-output img')]
.filter(image => image.complete && image.getBoundingClientRect().width).map(image => {
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
    if (!canvas.width) return [image.src.slice(-60), 0, 0];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return [image.src.slice(-60), image.getBoundingClientRect().width, new Set(pixels).size];
})"""

# Code cells below this one do nothing.
SKIP_BELOW = f"""index => [...{PANEL}.content.model.cells].slice(index + 1)
.filter(cell => cell.type === 'code').forEach(cell => cell.sharedModel.setSource('1'))"""
NEXT_PART = """() => {
    const cells = document.querySelector('.jp-WindowedPanel-outer'), before = cells.scrollTop;
    cells.scrollBy(0, cells.clientHeight);
    return cells.scrollTop !== before;
}"""


@contextmanager
def opened(browser, address, interface, name, width=1280, height=900):
    """The page of a notebook, with a kernel that is ready."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(180_000)
    try:
        page.goto(f"{address}/{PATHS[interface].format(name=name)}")
        page.locator(".jp-Notebook-cell").first.wait_for()
        page.wait_for_function(f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'")
        yield page
    except BaseException:
        page.screenshot(path=SCREENSHOTS / f"failed-{name}-{interface}.png")
        raise
    finally:
        page.evaluate(f"{PANEL}?.sessionContext.shutdown()")
        page.close()


def notebook(page):
    """The notebook as it stands in the browser."""
    model = page.evaluate(f"{PANEL}.content.model.toJSON()")
    return nbformat.from_dict(model)


def press(page, command):
    """Click the button of a command in the toolbar."""
    page.locator(f'.jp-NotebookPanel-toolbar [data-command="{command}"]').first.click()


def choose(page, *path):
    """Choose from a menu, such as `"Run", "Run All Cells"`."""
    page.locator(".lm-MenuBar-itemLabel", has_text=path[0]).first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text(path[1], exact=True).click()


def accept(page):
    """Press the last button of a dialog, which goes on; the result is what the dialog says."""
    dialog = page.locator(".jp-Dialog")
    text = dialog.inner_text()
    dialog.locator(".jp-Dialog-footer button").last.click()
    return text


def restart(page):
    press(page, "notebook:restart-kernel")
    accept(page)
    page.wait_for_function(f"{PANEL}.sessionContext.session.kernel.status === 'idle'")


def restart_and_run_all(page, wait=True):
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    press(page, "notebook:restart-run-all")
    accept(page)
    first = next(n for n, cell in enumerate(notebook(page).cells) if cell.cell_type == "code")
    page.wait_for_function(HAS_A_COUNT, arg=first)
    if wait:
        wait_until_idle(page)


def wait_until_idle(page, seconds=900):
    """Wait until no cell runs or waits for its turn, and the last output has arrived."""
    page.wait_for_function(NO_CELL_RUNS, timeout=1000 * seconds)
    page.wait_for_timeout(500)


def wait_until_running(page, cell_id, seconds=900):
    """Wait until the code cell before has come to its end; a cell that waits counts as running."""
    cells = notebook(page).cells
    index = [cell.id for cell in cells].index(cell_id)
    before = max(n for n, cell in enumerate(cells[:index]) if cell.cell_type == "code")
    page.wait_for_function(HAS_ENDED, arg=before, timeout=1000 * seconds)


def select(page, cell_id):
    """Scroll to a cell and select it."""
    index = [cell.id for cell in notebook(page).cells].index(cell_id)
    page.evaluate(
        f"async (index) => {{ const notebook = {PANEL}.content; notebook.activeCellIndex = index;"
        " notebook.mode = 'command'; await notebook.scrollToItem(index, 'center'); }",
        index,
    )
    cell = page.locator(".jp-Notebook-cell.jp-mod-active")
    cell.wait_for()
    return cell


def write(page, cell_id, source):
    """Replace what stands in a cell, as by pasting."""
    select(page, cell_id).locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(source)


def run_from(page, cell_id):
    """Run a cell and all below it, as one does after a stop."""
    select(page, cell_id)
    choose(page, "Run", "Run Selected Cell and All Below")
    wait_until_idle(page)


def run_cell(page, cell_id, wait=True):
    """Run one cell; the result is the cell in the browser."""
    cell = select(page, cell_id)
    index = [cell.id for cell in notebook(page).cells].index(cell_id)
    page.evaluate("window.jupyterapp.commands.execute('notebook:clear-cell-output')")
    cell.locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    if wait:
        page.wait_for_function(HAS_A_COUNT, arg=index, timeout=300_000)
        wait_until_idle(page)
    return cell


def outputs(page, cell_id):
    (cell,) = [cell for cell in notebook(page).cells if cell.id == cell_id]
    return cell.outputs


def text_of(output):
    """What an output shows as text."""
    if output.output_type == "error":
        return "\n".join(output.traceback)
    return output.get("text") or "".join(output.get("data", {}).get("text/plain", ""))


def plain(output):
    """The same without what colors it."""
    return ESCAPE.sub("", text_of(output)).strip()


def error_of(page, cell_id):
    """What the error of a cell shows."""
    (error,) = [output for output in outputs(page, cell_id) if output.output_type == "error"]
    return plain(error)


def one_line(page, cell_id):
    """The same, which must be a line or two, without a traceback."""
    shown = error_of(page, cell_id)
    assert "Traceback" not in shown and len(shown.splitlines()) <= 3, shown
    return shown


def executed(page):
    """The ids of the cells that were executed, in the order of the notebook."""
    cells = notebook(page).cells
    return [cell.id for cell in cells if cell.get("execution_count") is not None]


def failed(page):
    """The ids of the cells with an error."""
    return [
        cell.id
        for cell in notebook(page).cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]


def pictures(page):
    """Width on the screen and number of colors of every picture, scrolling through all cells."""
    found = {}
    for index in range(len(notebook(page).cells)):
        page.evaluate(f"index => {PANEL}.content.scrollToItem(index, 'start')", index)
        page.wait_for_timeout(50)
        for key, width, colors in page.evaluate(PICTURES):
            found[key] = (max(width, found.get(key, (0, 0))[0]), colors)
    return found


def change_theme(page, theme):
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
        THEMES[theme],
    )


def screenshots(page, name):
    """Pictures of the whole notebook: 1280 and 390 pixels wide, light and dark.

    In parts, since a browser draws no picture that is higher than 16,384 pixels.
    """
    size = page.viewport_size
    # The list of files leaves no room on a phone.
    if page.locator("#jp-left-stack:visible").count():
        page.evaluate("window.jupyterapp.commands.execute('application:toggle-left-area')")
    for width in (1280, 390):
        for theme in THEMES:
            change_theme(page, theme)
            page.set_viewport_size({"width": width, "height": 16_000})
            page.evaluate(f"{PANEL}.content.scrollToItem(0, 'start')")
            part, moved = 0, True
            while moved:
                part += 1
                page.wait_for_timeout(1500)
                page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{theme}-{part}.png")
                moved = page.evaluate(NEXT_PART)
    change_theme(page, "light")
    page.set_viewport_size(size)


def contrasts(cell):
    """The contrast of each colored text in the outputs of a cell with what is behind it."""
    return cell.locator(".jp-OutputArea-output").last.evaluate(CONTRASTS)


# WCAG's ratio, 1 to 21. A background that is transparent is that of what lies behind.
CONTRASTS = """output => {
    const rgb = color => color.match(/[\\d.]+/g).map(Number);
    const background = element => {
        for (; element; element = element.parentElement) {
            const [r, g, b, alpha = 1] = rgb(getComputedStyle(element).backgroundColor);
            if (alpha > 0.99) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const luminance = color => color.slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    return [...output.querySelectorAll('span, pre')].filter(part => part.textContent.trim())
        .map(part => {
            const [a, b] = [rgb(getComputedStyle(part).color), background(part)].map(luminance);
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        });
}"""

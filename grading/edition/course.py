"""The course as nbgrader is told of it: points, stubs, and one configuration for all commands.

The committed notebooks are nbgrader's source as they lie in `notebooks/`.
"""

import re

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions, ComputeChecksums, NbGraderPreprocessor
from traitlets import Unicode
from traitlets.config import Config

# The assignment table. Ids of nbgrader's cells begin with their question: q2-softmax.
POINTS = {
    "01_data_preparation": {"Q1": 1},
    "02_hand_coded_sgd": {"Q2": 5},
    "03_batch_size_study": {"Q3": 7, "Q4": 1, "Q5": 2},
    "04_tensorflow_comparison": {"Q6": 4},
    "05_going_further": {},
}
CODE_STUB = "# Write your code here, in place of the next line.\nchecks.not_attempted()"
# A cell at top level must run as it is handed out: its check says that nothing is there yet.
TOP_LEVEL_STUB = "# Write your code here."
TEXT_STUB = "*Write your answer here.*"
# Of a notebook's metadata, what a student's copy keeps.
NOTEBOOK_METADATA = {"assignment", "kernelspec", "language_info"}
REPOSITORY_LINE = re.compile(r'^REPOSITORY = "[^"\n]*"', re.MULTILINE)


class PlaceStubs(ClearSolutions):
    """nbgrader has one stub for all code; here a solution at top level gets one of its own."""

    def _replace_solution_region(self, cell, language):
        replaced = super()._replace_solution_region(cell, language)
        if cell.cell_type == "code":
            at_top_level = rf"^{re.escape(self.code_stub[language])}$"
            cell.source = re.sub(at_top_level, TOP_LEVEL_STUB, cell.source, flags=re.MULTILINE)
        return replaced


class SetRepository(NbGraderPreprocessor):
    """Say which edition a notebook is of: in its setup cell, below its title, in its metadata.

    Nothing is said without a repository.
    """

    repository = Unicode("", help="owner/name on GitHub").tag(config=True)
    version = Unicode("", help="of the assignment").tag(config=True)

    def preprocess(self, nb, resources):
        if self.repository:
            nb.metadata["assignment"] = {"repository": self.repository, "version": self.version}
            name = resources["nbgrader"]["notebook"]
            badge = f"{colab_badge(self.repository, name)} Version {self.version}"
            title = nb.cells[0]
            title.source = re.sub(r"\A# .+", lambda found: f"{found[0]}\n\n{badge}", title.source)
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        if self.repository and cell.cell_type == "code":
            line = f'REPOSITORY = "{self.repository}"'
            cell.source = REPOSITORY_LINE.sub(lambda _: line, cell.source)
        return cell, resources


def colab_badge(repository, name):
    """Markdown of the button that opens a notebook of the student edition in Colab."""
    colab = "https://colab.research.google.com"
    notebook = f"{colab}/github/{repository}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({notebook})"


def configuration(root, release_directory, *, repository="", version=""):
    """nbgrader's configuration, in place of an nbgrader_config.py.

    Parameters
    ----------
    root : pathlib.Path
        The folder that holds `notebooks/`.
    release_directory : path
        Where nbgrader puts the folder `notebooks` of the student edition.
    repository : str
        owner/name of the student edition on GitHub; as in the source if empty.
    version : str
        Of the assignment, to be shown with the repository.

    Returns
    -------
    traitlets.config.Config
    """
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.source_directory = "."
    config.CourseDirectory.assignment_id = "notebooks"
    config.CourseDirectory.release_directory = str(release_directory)
    # Of the folder notebooks/ only the notebooks themselves; caches and notes stay behind.
    config.CourseDirectory.ignore = ["*"]
    config.GenerateAssignment.no_database = True
    config.SaveCells.enabled = False
    config.GenerateAssignment.preprocessors = _preprocessors()
    config.ClearSolutions.code_stub = {"python": CODE_STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    config.SetRepository.repository = repository
    config.SetRepository.version = version
    # In autograding any text on stderr would cost all points of a check. A warning, or a line that
    # TensorFlow logs, is no failure; an exception is an output of another kind.
    config.IgnorePattern.enabled = True
    config.IgnorePattern.pattern = "."
    # Fingerprints, and whatever else is about the worked edition, are not for students.
    config.ClearMetadataPreprocessor.enabled = True
    config.ClearMetadataPreprocessor.clear_cell_metadata = False
    config.ClearMetadataPreprocessor.preserve_nb_metadata_mask = NOTEBOOK_METADATA
    return config


def repository_lines(notebook):
    """The lines of a notebook that name its repository; its setup cell has one."""
    return [
        line
        for cell in notebook.cells
        if cell.cell_type == "code"
        for line in REPOSITORY_LINE.findall(cell.source)
    ]


def _preprocessors():
    """nbgrader's own sequence with the classes above; checksums come after all that changes."""
    steps = [
        PlaceStubs if step is ClearSolutions else step
        for step in GenerateAssignment.preprocessors.default()
    ]
    steps.insert(steps.index(ComputeChecksums), SetRepository)
    return [*steps, ClearMetadataPreprocessor]

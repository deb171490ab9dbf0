"""The command, from a folder of submissions to tables and feedback, with a stand-in that decides.

What it decides is tested elsewhere; here no cell runs.
"""

import csv
import html
import json
import re
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import replace

import pytest

from grading.__main__ import main
from grading.by_hand.written import pseudonym
from grading.edition.editions import read_release
from grading.exercises import regions
from grading.by_hand.gradebook import points_in_gradebook
from grading.records import NOT_CHECKED
from grading.release import ROOT
from grading.tables import write_text
from tests.grading.build import (
    answered, as_bytes, model_answers, model_submission, noting, quick_decide, release, untouched,
    write,
)  # fmt: skip

SGD, STUDY = "02_hand_coded_sgd", "03_batch_size_study"
CHECKED = sum(each.max_points for each in release().exercises if not each.by_hand)
ALL = sum(each.max_points for each in release().exercises)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """What a first run makes and no test is about: the release, and nbgrader's empty database."""
    folder = tmp_path_factory.mktemp("prepared")
    read_release(build=folder)
    (folder / "gradebook").mkdir()
    points_in_gradebook(f"sqlite:///{folder / 'gradebook' / 'gradebook.db'}", [], release())
    return folder


@pytest.fixture
def course_with_pages(tmp_path, prepared):
    """Three students: the model answer, nothing at all, and one notebook beside a broken one."""
    write(tmp_path / "in" / "ada")
    write(tmp_path / "in" / "bob", {name: as_bytes(untouched(name)) for name in release().released})
    some = {SGD: model_submission()[SGD], STUDY: b"[1]"}
    write(tmp_path / "in" / "=cee, jr", some)
    shutil.copytree(prepared, tmp_path / "build")
    return tmp_path


@pytest.fixture
def course(course_with_pages, monkeypatch):
    """The same where pages and databases are of no interest, in a tenth of the time."""

    def render(notebook, path, title, boxes=None):
        write_text(path, "\n".join([*(boxes or {}).values(), *(c.source for c in notebook.cells)]))

    monkeypatch.setattr("grading.giving_back.feedback.render", render)
    monkeypatch.setattr("grading.by_hand.written.render", render)
    monkeypatch.setattr("grading.__main__.points_in_gradebook", lambda *inputs: {})
    monkeypatch.setattr("grading.__main__.write_gradebook", lambda *inputs: None)
    monkeypatch.setattr("grading.giving_back.similarity.similar_pairs", lambda *inputs: [])
    monkeypatch.setattr("grading.giving_back.similarity.taken_from_helpers", lambda *inputs: [])
    return course_with_pages


def grade(course, *options, decide=quick_decide):
    return main([str(course / "in"), "--build", str(course / "build"), *options], decide=decide)


def table(course, name="grades.csv"):
    with open(course / "build" / "grades" / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def by_student(course):
    return {row["submission"]: row for row in table(course)}


def give(course, points, *, where=lambda row: True, comment=""):
    """Fill points into the rows of by_hand.csv, as a grader does."""
    rows = table(course, "by_hand.csv")
    for row in filter(where, rows):
        row["points"], row["comment"] = points, comment
    with open(course / "build" / "grades" / "by_hand.csv", "w", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def of(key, question):
    return lambda row: (row["student"], row["question"]) == (pseudonym(key), question)


def asked(**answers):
    """The study with these written answers."""
    return as_bytes(answered(STUDY, {**model_answers(STUDY), **answers}))


# The table


def test_every_student_has_a_row_and_what_is_missing_or_refused_is_no_zero(course, capsys):
    assert grade(course) == 1  # something was refused
    rows = by_student(course)
    assert list(rows) == ["cee_jr", "ada", "bob"] or set(rows) == {"ada", "bob", "cee_jr"}
    cee = rows["cee_jr"]
    assert cee[SGD] == "graded" and cee["01_data_preparation"] == "missing"
    assert cee[STUDY].startswith("refused:") and "list" in cee[STUDY]
    assert cee["Q1"] == cee["Q3"] == cee["Q4"] == cee["Q6"] == "" and float(cee["Q2"]) > 0
    assert rows["bob"]["Q1"] == "0" and rows["bob"]["Q4"] == ""
    assert rows["bob"]["to be graded by hand"] == "Q4, Q5, Q6"
    assert float(rows["ada"]["total"]) == CHECKED
    assert cee["student"] == "'=cee, jr"  # no formula, and its comma shifts no column
    said = capsys.readouterr().out
    assert said.startswith("Layout: plain; 3 submissions of 3 students.")
    assert "=cee, jr: 03_batch_size_study was refused" in said


def test_all_that_can_be_read_is_no_failure(course):
    (course / "in" / "=cee, jr" / f"{STUDY}.ipynb").unlink()
    assert grade(course) == 0


def test_a_group_has_a_row_for_each_and_is_graded_once(course):
    (course / "in").rename(course / "submission_1")
    (course / "in").mkdir()
    (course / "submission_1" / "ada").rename(course / "in" / "submission_1")
    (course / "in" / "submission_metadata.yml").write_text(
        "submission_1:\n  :submitters:\n  - {':name': Ada, ':sid': '1', ':email': a@x}\n"
        "  - {':name': Bob, ':sid': '2', ':email': b@x}\n"
    )
    calls = []
    assert grade(course, decide=noting(calls)) == 0
    one, two = table(course)
    assert (one.pop("student"), two.pop("student")) == ("Ada", "Bob") and len(calls) == 1
    assert [row.pop("id") for row in (one, two)] == ["1", "2"]
    assert {**one, "email": ""} == {**two, "email": ""}


def test_a_second_run_gives_the_same_table_and_grades_nothing_again(course, capsys):
    grade(course)
    first = (course / "build" / "grades" / "grades.csv").read_bytes()
    capsys.readouterr()
    grade(course, decide=lambda *rest, **options: pytest.fail("graded again"))
    assert (course / "build" / "grades" / "grades.csv").read_bytes() == first
    assert "change:" not in capsys.readouterr().out
    grade(course, "--again", "--only", "ada")
    assert (course / "build" / "grades" / "grades.csv").read_bytes() == first


def test_an_interrupted_run_goes_on_where_it_stopped(course):
    done = []

    def interrupted(key, *rest, **options):
        if done:
            raise KeyboardInterrupt
        done.append(key)
        return quick_decide(key, *rest)

    assert grade(course, decide=interrupted) == 130
    graded = []
    assert grade(course, decide=noting(graded)) == 1
    assert sorted(done + graded) == ["ada", "bob", "cee_jr"]


def test_one_that_cannot_be_graded_does_not_stop_the_batch(course):
    def failing(key, *rest, **options):
        if key == "ada":
            raise RuntimeError("the sandbox broke")
        return quick_decide(key, *rest)

    assert grade(course, decide=failing) == 1
    rows = by_student(course)
    assert "the sandbox broke" in rows["ada"][SGD] and rows["ada"]["total"] == ""
    assert rows["bob"]["total"] == "0"
    assert grade(course) == 1 and by_student(course)["ada"]["total"] != ""  # tried again


def test_before_it_overwrites_it_says_what_changes(course, capsys):
    grade(course)
    changed = model_answers(SGD) | {"q2-loss": "def my_loss(): pass"}
    write(course / "in" / "ada", {SGD: as_bytes(answered(SGD, changed))})
    before = by_student(course)["ada"]["Q2"]
    capsys.readouterr()
    grade(course, "--dry-run")
    line = "ada, Q2 (q2-loss-check): 1 → 0, another submission, mistake: other"
    assert line in capsys.readouterr().out
    assert by_student(course)["ada"]["Q2"] == before
    grade(course)
    assert line in capsys.readouterr().out
    assert float(by_student(course)["ada"]["Q2"]) == float(before) - 1


def test_a_submission_that_is_gone_is_said_once(course, capsys):
    grade(course)
    shutil.rmtree(course / "in" / "ada")
    for said in True, False:
        capsys.readouterr()
        grade(course)
        assert ("1 → none, not graded in this run" in capsys.readouterr().out) == said


def test_only_one_student(course):
    graded = []
    shutil.rmtree(course / "in" / "=cee, jr")
    assert grade(course, "--only", "ADA", decide=noting(graded)) == 0
    assert graded == ["ada"] and by_student(course)["bob"][SGD] == "not graded yet"
    assert grade(course, "--only", "nobody") == 2


def test_the_others_keep_what_they_have_where_one_is_graded(course, capsys, monkeypatch):
    grade(course)
    before = by_student(course)
    write(course / "in" / "ada", {SGD: as_bytes(untouched(SGD))})
    monkeypatch.setattr("grading.batch._hash_of_grading", lambda: "another version")
    capsys.readouterr()
    graded = []
    grade(course, "--only", "bob", decide=noting(graded))
    assert graded == ["bob"] and by_student(course) == before
    assert "change:" not in capsys.readouterr().out
    grade(course)
    assert "ada, Q2 (q2-loss-check): 1 → 0, another submission" in capsys.readouterr().out


def test_nothing_is_written_elsewhere(course):
    before = {path for path in course.rglob("*") if "build" not in path.parts}
    grade(course)
    assert {path for path in course.rglob("*") if "build" not in path.parts} == before


@pytest.mark.parametrize("options", [["--layout", "nbgrader"], ["--layout", "gradescope"]])
def test_a_layout_that_does_not_fit_is_said_without_a_traceback(course, capsys, options):
    assert grade(course, *options) in (1, 2)
    assert "Traceback" not in capsys.readouterr().err


# By hand


def test_points_by_hand_are_added_and_follow_the_answer(course, capsys):
    grade(course)
    give(course, "0,5", where=of("ada", "Q4"), comment="=2+2; half")
    grade(course)
    assert by_student(course)["ada"]["Q4"] == "0.5"
    assert by_student(course)["ada"]["to be graded by hand"] == "Q5, Q6"
    page = (course / "build/grades/feedback/ada" / f"{STUDY}.html").read_text("utf-8")
    assert "=2+2; half" in page
    (row,) = filter(of("ada", "Q4"), table(course, "by_hand.csv"))
    assert row["points"] == "0.5" and row["comment"] == "'=2+2; half"

    write(course / "in" / "ada", {STUDY: asked(**{"q4-comment": "Something else."})})
    capsys.readouterr()
    grade(course)
    said = capsys.readouterr().out
    assert by_student(course)["ada"]["Q4"] == "" and "Q4: the points are stale" in said
    assert "ada, Q4 (q4-comment): 0.5 → none, another submission" in said

    write(course / "in" / "ada", {STUDY: model_submission()[STUDY]})
    grade(course)
    assert by_student(course)["ada"]["Q4"] == "0.5"


def test_equal_answers_are_shown_once_and_have_equal_points(course):
    write(course / "in" / "dee")
    grade(course)
    page = (course / "build/grades/by_hand/Q4.html").read_text("utf-8")
    assert "2 times" in page and "Untouched" in page and "Rubric" in page
    assert not re.search(r"\b(ada|bob|dee)\b", page)
    give(course, "1", where=of("ada", "Q4"))
    grade(course)
    assert by_student(course)["dee"]["Q4"] == "1"


def test_a_comment_that_waits_for_its_points_stays(course):
    grade(course)
    give(course, "", where=of("ada", "Q4"), comment="First thought.")
    grade(course)
    (row,) = filter(of("ada", "Q4"), table(course, "by_hand.csv"))
    give(course, "1", where=of("ada", "Q4"), comment=row["comment"])
    grade(course)
    page = (course / "build/grades/feedback/ada" / f"{STUDY}.html").read_text("utf-8")
    assert "First thought." in page


@pytest.mark.parametrize("points", ["2", "-1", "many", "nan"])
def test_points_out_of_range_do_not_count(course, capsys, points):
    grade(course)
    give(course, points, where=of("ada", "Q4"))
    capsys.readouterr()
    grade(course)
    assert by_student(course)["ada"]["Q4"] == ""
    assert "does not count, expected a number from 0 to 1" in capsys.readouterr().out


def test_points_may_be_cleared(course):
    grade(course)
    for exercise in filter(lambda each: each.by_hand, release().exercises):
        give(
            course, exercise.max_points, where=lambda row, q=exercise.question: row["question"] == q
        )
    grade(course)
    assert by_student(course)["ada"]["to be graded by hand"] == ""
    give(course, "", where=lambda row: row["question"] == "Q4")
    grade(course)
    assert by_student(course)["ada"]["Q4"] == ""


def test_a_sheet_without_its_columns_is_not_overwritten(course, capsys):
    grade(course)
    sheet = course / "build" / "grades" / "by_hand.csv"
    sheet.write_text("a,b\n1,2\n")
    assert grade(course) == 2 and sheet.read_text() == "a,b\n1,2\n"
    assert "has no column student" in capsys.readouterr().err


# Giving back


def hidden_lines():
    """Lines of solutions, rubrics and hidden tests that no student was given."""
    given = {
        line.strip()
        for notebook in release().released.values()
        for cell in notebook.cells
        for line in cell.source.split("\n")
    }
    return {
        line.strip()
        for notebook in release().worked.values()
        for cell in notebook.cells
        for kind, lines in regions(cell)
        for line in lines
        if kind and len(line.strip()) > 20
    } - given


@pytest.mark.slow
def test_feedback_has_points_and_mistakes_and_nothing_hidden(course_with_pages):
    course = course_with_pages
    grade(course)
    pages = {
        path.relative_to(course / "build/grades/feedback").as_posix(): path.read_text("utf-8")
        for path in (course / "build/grades/feedback").rglob("*.html")
    }
    assert set(pages) == {
        *(f"{key}/{name}.html" for key in ("ada", "bob") for name in release().released),
        f"cee_jr/{SGD}.html",
    }
    hidden = hidden_lines()
    assert hidden
    for name, page in pages.items():
        assert len(page.encode()) < 2_000_000
        if name.startswith("bob"):
            text = re.sub(r"<[^>]*>", "", page)
            assert not [line for line in hidden if line in text]
    assert "0 of 1" in pages[f"bob/{SGD}.html"] and "other" in pages[f"bob/{SGD}.html"]
    assert "<pre>&lt;b&gt;&amp;</pre>" in pages[f"bob/{SGD}.html"]


def test_the_report_has_every_student_reason_and_mistake(course):
    grade(course)
    report = (course / "build/grades/report.html").read_text("utf-8")
    assert "=cee, jr" in report and f'href="feedback/ada/{SGD}.html"' in report
    assert "refused" in report and "Graded by hand: 0 of 6 answers" in report
    links = set(re.findall(r'href="([^"#]+)"', report))
    assert links and all((course / "build/grades" / link).exists() for link in links)
    loss = next(row for row in table(course, "mistakes.csv") if row["exercise"] == "q2-loss-check")
    assert (loss["mistake"], loss["students"]) == ("other", "1")


def test_gradescope_gets_a_result_for_each(course):
    grade(course, "--format", "gradescope")
    folder = course / "build" / "grades" / "gradescope"
    ada = json.loads((folder / "ada" / "results.json").read_text())
    assert ada["score"] == sum(test["score"] for test in ada["tests"])
    assert sum(test["max_score"] for test in ada["tests"]) == ALL
    bob = json.loads((folder / "bob" / "results.json").read_text())
    assert {test.get("status") for test in bob["tests"]} == {"failed", None}
    assert all(test["visibility"] == "visible" for test in bob["tests"])


MOODLE = (
    "\ufeffIdentifier,Full name,ID number,Email address,Status,Grade,Maximum grade,"
    "Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments\r\n"
    "Participant 4711,Zoë O'Neil,77,z@x,Submitted,3.00,100.00,Yes,-,-,\r\n"
    "Participant 12,Al B,78,a@x,Submitted,2.00,100.00,Yes,-,-,\r\n"
    "Participant 13,Cee Dee,79,c@x,Submitted,5.00,100.00,No,-,-,old\r\n"
    'Participant 14,"Nobody, N",80,n@x,No submission,,100.00,Yes,-,-,\r\n'
)


def test_moodles_sheet_is_filled_and_its_archive_has_the_names_of_the_export(course, capsys):
    (course / "in").rename(course / "other")
    write(course / "in" / "Zoë O'Neil_4711_assignsubmission_file")
    write(course / "in" / "Al B_12_assignsubmission_file_", {SGD: b"[]"})
    write(course / "in", {SGD: model_submission()[SGD]}, before="Cee Dee_13_assignsubmission_file_")
    sheet = course / "Grades-Course.csv"
    sheet.write_bytes(MOODLE.encode())
    assert grade(course, "--worksheet", str(sheet)) == 1
    filled = (course / "build/grades/worksheets/Grades-Course.csv").read_bytes().decode()
    before, after = MOODLE.split("\r\n"), filled.split("\r\n")
    assert [before[line] == after[line] for line in range(6)] == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]
    assert after[1].startswith(
        f"Participant 4711,Zoë O'Neil,77,z@x,Submitted,{CHECKED:g},100.00,Yes,-,-,"
    )
    said = capsys.readouterr().out
    assert "Al B: nothing is graded" in said or "Al B: something was refused" in said
    assert "Cee Dee: the sheet says" in said and "preliminary" in said
    with zipfile.ZipFile(course / "build/grades/worksheets/feedback.zip") as archive:
        names = set(archive.namelist())
    assert f"Zoë O'Neil_4711_assignsubmission_file/{SGD}.html" in names
    assert f"Cee Dee_13_assignsubmission_file_{SGD}.html" in names


CANVAS = (
    "Student,ID,SIS User ID,SIS Login ID,Section,Batch sizes (99),Final Score\n"
    "    Points Possible,,,,,20,(read only)\n"
    '"Ann, Lee",1203,s1,lee,A,,\n'
    '"Doe, Jo",1204,s2,jo,A,7,\n'
    '"Else, S",1205,s3,se,A,4,\n'
)


def test_canvas_keeps_the_grade_of_who_was_refused(course):
    (course / "in").rename(course / "other")
    write(course / "in", before="leeann_LATE_1203_88001_")
    write(course / "in", {SGD: b"{"}, before="doejo_1204_88002_")
    write(course / "in", before="anon_x7_88003_")
    sheet = course / "canvas.csv"
    sheet.write_text(CANVAS)
    assert grade(course, "--worksheet", str(sheet)) == 1
    filled = (course / "build/grades/worksheets/canvas.csv").read_text()
    assert filled == CANVAS.replace("1203,s1,lee,A,,", f"1203,s1,lee,A,{CHECKED:g},")
    rows = by_student(course)
    assert (
        rows["leeann_1203"]["hours late"] == "late"
        and rows["anonymous_x7"]["total"] == f"{CHECKED:g}"
    )
    with zipfile.ZipFile(course / "build/grades/worksheets/feedback.zip") as archive:
        assert f"leeann_LATE_1203_88001_{SGD}.html" in archive.namelist()


def test_brightspace_and_an_unknown_sheet(course, capsys):
    (course / "in").rename(course / "other")
    write(course / "in" / "12-34 - Jo Doe - Nov 2, 2026 1159 PM")
    sheet = course / "b.csv"
    title = "Batch Points Grade <Numeric MaxPoints:20>"
    head = f"OrgDefinedId,Username,Last Name,First Name,{title},End-of-Line Indicator\n"
    sheet.write_text(head + "#5,#jdoe,Doe,Jo,,#\n#6,#x,X,Y,3,#\n")
    assert grade(course, "--worksheet", str(sheet)) == 0
    filled = (course / "build/grades/worksheets/b.csv").read_text()
    assert filled == head + f"#5,#jdoe,Doe,Jo,{CHECKED:g},#\n#6,#x,X,Y,3,#\n"
    sheet.write_text("a,b\n1,2\n")
    assert grade(course, "--worksheet", str(sheet)) == 2
    assert "with the columns a, b" in capsys.readouterr().err


def test_the_roster_gives_names_and_who_handed_in_nothing(course, capsys):
    roster = course / "roster.csv"
    roster.write_text("name;student id;email\nAda Lovelace;ada;a@x\nNo Body;9;n@x\nBôb;8;b@x\n")
    grade(course, "--roster", str(roster))
    rows = {row["student"]: row for row in table(course)}
    assert rows["Ada Lovelace"]["email"] == "a@x" and rows["Bôb"]["submission"] == "bob"
    assert rows["No Body"]["total"] == "" and rows["No Body"][SGD] == "missing"
    assert "=cee, jr is not in the roster" in capsys.readouterr().out


@pytest.mark.slow
def test_copies_are_listed_and_honest_answers_are_not(course_with_pages):
    course = course_with_pages
    copied = model_answers(SGD)
    own = {
        key: text.replace("residual", "error").replace("order", "rows")
        for key, text in copied.items()
    }
    write(course / "in" / "dee", {SGD: as_bytes(answered(SGD, own))})
    other = {
        "q2-softmax": """def my_softmax(logits):
    values = [np.exp(row - max(row)) for row in logits]
    return np.array([value / sum(value) for value in values])""",
        "q2-loss": """def my_loss(W, b, X, Y, reg_lambda=0.0):
    total = 0.0
    for x, y in zip(X, Y):
        z = W.T @ x + b
        total += np.log(np.exp(z).sum()) - z[y.argmax()]
    return total / len(X) + 0.5 * reg_lambda * np.sum(W * W)""",
    }
    write(course / "in" / "eve", {SGD: as_bytes(answered(SGD, other))})
    grade(course)
    report = (course / "build/grades/report.html").read_text("utf-8")
    alike = report.split("Answers that are alike")[1].split("To repeat")[0]
    assert re.search(r"(ada|cee_jr) and dee", alike) and "eve" not in alike


@pytest.mark.slow
def test_each_student_has_a_command_that_repeats_the_grading(course):
    (course / "in").rename(course / "in one folder")
    options = ["--due", "2026-11-02T23:59:00", "--jobs", "2", "--no-sandbox", "--layout", "plain"]
    where = ["--build", str(course / "build")]
    main([str(course / "in one folder"), *where, *options], decide=quick_decide)
    report = html.unescape((course / "build/grades/report.html").read_text("utf-8"))
    [command] = re.findall(r"<code>(.*python\S* -m grading .* ada .*)</code>", report)
    assert "seed 0" in report and release().hash in report
    first = (course / "build/grades/grades.csv").read_bytes()
    graded = []
    again = shlex.split(command)[3:]
    assert {"--again", *where, *options} <= {*again}
    again[again.index("--jobs") + 1] = "1"  # so that it is graded in this process
    main(again, decide=noting(graded))
    assert graded == ["ada"] and (course / "build/grades/grades.csv").read_bytes() == first


def test_a_check_that_fails_by_itself_is_a_status_and_no_zero(course):
    def failing(key, *rest, **options):
        graded = quick_decide(key, *rest)
        verdicts = [
            replace(each, points=None, mistake=NOT_CHECKED, message="ValueError()")
            if each.grade_id == "q2-loss-check"
            else each
            for each in graded.verdicts
        ]
        return replace(graded, verdicts=tuple(verdicts))

    grade(course, decide=failing)
    row = by_student(course)["ada"]
    assert row[SGD] == "graded, but q2-loss-check failed by itself"
    assert "Q2" in row["to be graded by hand"] and float(row["Q2"]) == 4
    assert "q2-loss-check failed by itself" in (course / "build/grades/report.html").read_text()


def test_make_clean_leaves_the_points_that_were_given_by_hand(course):
    grade(course)
    give(course, "1", where=of("ada", "Q4"))
    shutil.copy(ROOT / "Makefile", course)
    for folder in "helpers", "tools", "tests", "grading", "notebooks":
        (course / folder).mkdir()
    clean = ["make", "-C", str(course), "clean"]
    said = subprocess.run(clean, capture_output=True, text=True, check=True).stdout
    assert "build/grades stays: points given by hand" in said
    assert (
        not (course / "build/released").exists() and not (course / "build/grading/results").exists()
    )
    grade(course)
    assert by_student(course)["ada"]["Q4"] == "1"


def test_make_grade_runs_the_command_and_wants_a_folder(capsys):
    make = ["make", "--dry-run", "grade", "SUBMISSIONS=some folder", "OPTIONS=--jobs 2"]
    outcome = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True)
    assert '-m grading "some folder" --jobs 2' in outcome.stdout
    for arguments in [""], ["no/such/folder"]:
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
    said = capsys.readouterr().err
    assert "make grade SUBMISSIONS=folder" in said and "there is no no/such/folder" in said

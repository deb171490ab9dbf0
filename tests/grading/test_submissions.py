"""Folders as learning platforms export them, and files that are not what they should be."""

import io
import json
import os
import stat
import zipfile
from datetime import datetime

import pytest

from grading.handed_in.submissions import Ambiguous, read_submissions
from tests.grading.build import as_bytes, model, model_submission, release, untouched, write

SGD = "02_hand_coded_sgd"
NAMES = tuple(release().released)


def read(place, **options):
    return read_submissions(place, release(), **options)


def taken_in(place, layout, **options):
    """Submissions by key, where this layout is to be recognized and nobody's file is left."""
    recognized, submissions, strangers = read(place, **options)
    assert recognized == layout and strangers == {}
    assert all(each.key == each.key.strip("/. ") for each in submissions)
    return {each.key: each for each in submissions}


def complete(submission):
    return tuple(submission.notebooks) == NAMES and not submission.refused


# Layouts


def test_moodle_in_folders_flat_and_with_an_online_text(tmp_path):
    write(tmp_path / "Zoë O'Neil-Núñez_4711_assignsubmission_file")
    write(tmp_path / "Al B_12_assignsubmission_file_")
    write(tmp_path, before="Cee Dee_13_assignsubmission_file_")
    online = tmp_path / "Cee Dee_13_assignsubmission_onlinetext"
    online.mkdir()
    (online / "onlinetext.html").write_text("My notebooks")
    found = taken_in(tmp_path, "moodle")
    students = [student for each in found.values() for student in each.students]
    assert {(s.name, s.id) for s in students} == {
        ("Zoë O'Neil-Núñez", "4711"),
        ("Al B", "12"),
        ("Cee Dee", "13"),
    }
    assert all(map(complete, found.values()))
    assert [line for line in found["Cee_Dee_13"].notes if "online text" in line]
    assert found["Al_B_12"].entries == ("Al B_12_assignsubmission_file_",)


def test_canvas_with_a_late_student_who_handed_in_again_and_an_anonymous_one(tmp_path):
    write(tmp_path, before="leeann_LATE_1203_88001_", after="-1")
    write(tmp_path, {SGD: as_bytes(untouched(SGD))}, before="leeann_LATE_1203_87000_")
    write(tmp_path, {SGD: model_submission()[SGD]}, before="anon_x7_99_")
    found = taken_in(tmp_path, "canvas")
    assert complete(found["leeann_1203"]) and found["leeann_1203"].hours_late == float("inf")
    assert found["leeann_1203"].notebooks[SGD] == model_submission()[SGD]
    (line,) = found["leeann_1203"].notes
    assert f"leeann_LATE_1203_87000_{SGD}.ipynb" in line and "counts" in line
    assert tuple(found["anonymous_x7"].notebooks) == (SGD,)


def test_gradescope_grades_a_group_once(tmp_path):
    write(tmp_path / "submission_7")
    (tmp_path / "submission_metadata.yml").write_text(
        "submission_7:\n  :submitters:\n  - :name: Ada\n    :sid: '1'\n    :email: a@x\n"
        "  - :name: Bob\n    :sid: '2'\n    :email: b@x\n"
        "  :created_at: 2026-11-02 10:00:00.000000000 Z\n"
    )
    (group,) = taken_in(tmp_path, "gradescope", due=datetime(2026, 11, 2, 8)).values()
    assert [student.name for student in group.students] == ["Ada", "Bob"] and complete(group)
    assert group.hours_late == 2


def test_a_damaged_list_of_gradescope_is_said_in_one_line(tmp_path):
    write(tmp_path / "submission_7")
    for text in "a: [", "- a", "!!python/object/apply:os.system ['true']":
        (tmp_path / "submission_metadata.yml").write_text(text)
        with pytest.raises(Ambiguous, match=r"submission_metadata\.yml cannot be read"):
            read(tmp_path)


@pytest.mark.parametrize("wrapped", [False, True])
def test_nbgrader(tmp_path, wrapped):
    top = tmp_path / "course" if wrapped else tmp_path
    folder = write(top / "submitted" / "ada" / "notebooks")
    write(top / "submitted" / "bob" / "notebooks")
    (folder / "timestamp.txt").write_text("2026-11-02 10:00:00.123456 UTC")
    found = taken_in(tmp_path, "nbgrader")
    assert set(found) == {"ada", "bob"} and all(map(complete, found.values()))
    assert found["ada"].submitted == datetime(2026, 11, 2, 10, 0, 0, 123456)
    assert set(taken_in(top / "submitted", "nbgrader")) == {"ada", "bob"}


def test_brightspace_counts_the_last_of_two_attempts(tmp_path):
    first, last = ("12-34 - Jo Doe - Nov 2, 2026 1159 PM", "12-34 - Jo Doe - Nov 10, 2026 109 AM")
    write(tmp_path / last)
    write(tmp_path / first, {name: as_bytes(untouched(name)) for name in NAMES})
    (tmp_path / "index.html").write_text("<html>")
    (jo,) = taken_in(tmp_path, "brightspace").values()
    assert dict(jo.notebooks) == model_submission()
    assert len(jo.notes) == 4 and jo.submitted == datetime(2026, 11, 10, 1, 9)


def test_blackboard(tmp_path):
    write(tmp_path, before="Homework 1_jdoe_attempt_2026-11-02-10-11-12_")
    (tmp_path / "Homework 1_jdoe_attempt_2026-11-02-10-11-12.txt").write_text("Name: J Doe")
    found = taken_in(tmp_path, "blackboard")
    assert complete(found["jdoe"]) and found["jdoe"].submitted.day == 2


@pytest.mark.parametrize("wrapped", [False, True])
def test_plain_folders_zips_and_loose_notebooks(tmp_path, wrapped):
    top = tmp_path / "export" if wrapped else tmp_path
    write(top / "Ada Lovelace, Dr. (1)")
    write(top / "checkout" / "notebooks")
    write(top, before="Bob-")
    (top / "zoe.zip").write_bytes(zipped(model_submission()))
    found = taken_in(tmp_path, "plain")
    assert set(found) == {"Ada_Lovelace_Dr._1", "Bob", "checkout", "zoe"}
    assert all(map(complete, found.values()))


def test_loose_notebooks_of_one_student_have_the_name_of_their_folder(tmp_path):
    write(tmp_path / "Ada")
    assert set(taken_in(tmp_path / "Ada", "plain")) == {"Ada"}
    assert set(taken_in(tmp_path, "plain")) == {"Ada"}


def test_the_export_may_be_a_zip_that_was_not_unpacked(tmp_path):
    inside = {f"Al B_12_assignsubmission_file/{n}": d for n, d in model_submission().items()}
    (tmp_path / "export.zip").write_bytes(zipped(inside))
    found = taken_in(tmp_path / "export.zip", "moodle")
    assert complete(found["Al_B_12"])


def test_a_name_that_is_not_in_utf_8_is_read(tmp_path):
    write(tmp_path / os.fsdecode(b"J\xf6rg"))
    found = taken_in(tmp_path, "plain")
    assert found["Jörg"].entries == ("Jörg",) and complete(found["Jörg"])


def test_what_is_of_two_layouts_is_listed_and_not_guessed(tmp_path):
    write(tmp_path, before="lee_1203_88001_")
    write(tmp_path / "Al B_12_assignsubmission_file")
    with pytest.raises(
        Ambiguous, match=r"(?s)moodle: Al B_12.*canvas: lee|canvas: lee.*moodle: Al"
    ):
        read(tmp_path)
    _, submissions, strangers = read(tmp_path, layout="canvas")
    assert [each.key for each in submissions] == ["lee_1203"]
    assert set(strangers) == {f"Al B_12_assignsubmission_file/{name}.ipynb" for name in NAMES}


def test_loose_notebooks_among_folders_are_nobodys(tmp_path):
    write(tmp_path / "ada")
    write(tmp_path)
    with pytest.raises(Ambiguous, match="whose these are: 01_data_preparation"):
        read(tmp_path)


def test_keys_differ_on_every_file_system(tmp_path):
    for name in "ada", "Ada 1", "Ada?1", "ada:1":
        write(tmp_path / f"{name}_{len(name)}_assignsubmission_file")
    found = taken_in(tmp_path, "moodle")
    assert len({key.casefold() for key in found}) == len(found)


# Notebooks by what is in them


def test_renamed_notebooks_are_found_and_missing_ones_are_missing(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "Copy of homework.ipynb").write_bytes(model_submission()[SGD])
    (tmp_path / "ada" / "other.ipynb").write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []})
    )
    (ada,) = taken_in(tmp_path, "plain").values()
    assert tuple(ada.notebooks) == (SGD,)
    assert any("Copy of homework.ipynb was taken for 02" in line for line in ada.notes)
    assert list(ada.refused) == ["ada/other.ipynb"]


def test_swapped_names_do_not_matter(tmp_path):
    one, two = model("01_data_preparation"), model(SGD)
    write(tmp_path / "ada", {SGD: as_bytes(one), "01_data_preparation": as_bytes(two)})
    (ada,) = taken_in(tmp_path, "plain").values()
    assert ada.notebooks[SGD] == as_bytes(two)


def test_the_numbered_copy_counts_and_both_are_named(tmp_path):
    write(tmp_path / "ada", {f"{SGD} (1)": model_submission()[SGD]})
    write(tmp_path / "ada", {SGD: as_bytes(untouched(SGD))})
    (ada,) = taken_in(tmp_path, "plain").values()
    assert ada.notebooks[SGD] == model_submission()[SGD]
    assert f"ada/{SGD}.ipynb" in ada.notes[0] and f"the last, ada/{SGD} (1).ipynb" in ada.notes[0]


# Bytes

NOTEBOOK = as_bytes(model(SGD))
BROKEN = {
    "UTF-16": (NOTEBOOK.decode().encode("utf-16"), "UTF-16"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "UTF-8"),
    "nested": (b"[" * 100_000, "nested"),
    "list": (b"[1, 2]", "list"),
    "merge": (b"<<<<<<< HEAD\n" + NOTEBOOK + b"\n=======\n>>>>>>> b\n", "merge conflict"),
    "empty": (b"", "empty"),
    "truncated": (NOTEBOOK[: len(NOTEBOOK) // 2], "cut short"),
    "no cells": (b'{"nbformat": 4, "metadata": {}}', "no list of cells"),
    "future": (b'{"nbformat": 7, "cells": []}', "format 7"),
    "damaged": (b'{"nbformat": 3, "worksheets": 4}', "damaged"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_notebook_is_refused_by_name_and_the_rest_is_graded(tmp_path, kind):
    data, reason = BROKEN[kind]
    write(tmp_path / "ada", {**model_submission(), SGD: data})
    write(tmp_path / "bob")
    found = taken_in(tmp_path, "plain")
    assert complete(found["bob"]) and len(found["ada"].notebooks) == 3
    assert list(found["ada"].refused) == [SGD] and reason in found["ada"].refused[SGD]


@pytest.mark.parametrize("kind", ["UTF-8 with BOM", "format 4.0", "odd cells", "half characters"])
def test_what_is_honestly_a_notebook_is_read(tmp_path, kind):
    data = NOTEBOOK
    content = json.loads(data)
    if kind == "UTF-8 with BOM":
        data = b"\xef\xbb\xbf" + data
    elif kind == "format 4.0":
        content |= {"nbformat_minor": 0, "metadata": {"widgets": {"application": {}}}}
        for cell in content["cells"]:
            cell["metadata"]["id"] = cell.pop("id")
        data = json.dumps(content).encode()
    elif kind == "odd cells":
        content["cells"] += [3, {"cell_type": "heading"}, {"cell_type": "code", "outputs": 3}]
        data = json.dumps(content).encode()
    else:
        content["cells"].append({"cell_type": "code", "metadata": {}, "source": "'\ud800'"})
        data = json.dumps(content).encode()
    write(tmp_path / "ada", {SGD: data})
    (ada,) = taken_in(tmp_path, "plain").values()
    assert tuple(ada.notebooks) == (SGD,) and not ada.refused


# Archives


def zipped(members):
    """A zip with these members; names without an ending are notebooks."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name if "." in name.split("/")[-1] else f"{name}.ipynb", data)
    return buffer.getvalue()


def test_of_a_zip_what_is_dangerous_is_skipped_by_name_and_the_rest_graded(tmp_path):
    link = zipfile.ZipInfo("link.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = io.BytesIO(zipped(model_submission()))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr(f"__MACOSX/._{SGD}.ipynb", b"\x00\x05\x16\x07")
        archive.writestr(f".ipynb_checkpoints/{SGD}-checkpoint.ipynb", NOTEBOOK)
        archive.writestr("../x.ipynb", NOTEBOOK)
        archive.writestr("/etc/x.ipynb", NOTEBOOK)
        with archive.open("bomb.ipynb", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(2**20))
        archive.writestr("inner.zip", b"PK\x03\x04 no more")
    (tmp_path / "ada.zip").write_bytes(data.getvalue())
    (ada,) = taken_in(tmp_path, "plain").values()
    assert dict(ada.notebooks) == model_submission()
    assert {name: reason.split(",")[0] for name, reason in ada.refused.items()} == {
        "ada.zip/link.ipynb": "a link",
        "ada.zip/../x.ipynb": "its path leaves the archive",
        "ada.zip//etc/x.ipynb": "its path leaves the archive",
        "ada.zip/bomb.ipynb": "300 MB",
        "ada.zip/inner.zip": "no zip that can be read: File is not a zip file",
    }


def test_links_in_a_folder_are_not_followed(tmp_path):
    write(tmp_path / "ada", {SGD: NOTEBOOK})
    secret = write(tmp_path.parent / f"{tmp_path.name}-secret", {"01_data_preparation": NOTEBOOK})
    (tmp_path / "ada" / "link.ipynb").symlink_to(secret / "01_data_preparation.ipynb")
    (tmp_path / "ada" / "folder").symlink_to(secret)
    (ada,) = taken_in(tmp_path, "plain").values()
    assert tuple(ada.notebooks) == (SGD,)
    assert set(ada.refused) == {"ada/link.ipynb", "ada/folder"}


def test_who_handed_in_nothing_readable_is_not_lost(tmp_path):
    write(tmp_path / "bob")
    (tmp_path / "ada.zip").write_bytes(b"no zip")
    found = taken_in(tmp_path, "plain")
    assert set(found) == {"ada", "bob"} and "no zip" in found["ada"].refused["ada.zip"]

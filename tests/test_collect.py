"""What students hand in, in whatever form it comes, lies in submitted/STUDENT/NN/ and nowhere else."""

import json
import os
import stat
import zipfile

import pytest

from dlimlib.course.handout import collect, commands

NAMES = {"03": "03_vae", "06": "06_conditional_gan"}
NOTEBOOK = json.dumps({"cells": [{"cell_type": "markdown", "source": "mine"}]}).encode()


def write(folder, files):
    for k, (name, data) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (1_700_000_000 + 60 * k,) * 2)  # each a minute younger than the one before
    return folder


def pack(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for k, (name, data) in enumerate(files.items()):
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 10, k, 0)), data)
    return path


def collected(source, tmp_path, **options):
    """Return {place below the target: bytes} and the notes, sorted."""
    to = tmp_path / "submitted"
    found = collect.collect(source, to, NAMES, **options)
    files = {p.relative_to(to).as_posix(): p.read_bytes() for p in to.rglob("*") if p.is_file()}
    return files, sorted(found.notes)


def test_a_folder_for_each_student(tmp_path):
    given = {"anna/03_vae.ipynb": b"1", "ben/03/03_vae.ipynb": b"2", "ben/06_conditional_gan-1.ipynb": b"3"}
    files, notes = collected(write(tmp_path / "in", given), tmp_path)
    assert files == {"anna/03/03_vae.ipynb": b"1", "ben/03/03_vae.ipynb": b"2",
                     "ben/06/06_conditional_gan.ipynb": b"3"}  # fmt: skip
    assert len(notes) == 3 and all("holds no cells; collected as it is" in note for note in notes)


def test_moodles_zip(tmp_path):
    given = {
        "Anna Berg_4711_assignsubmission_file_/03_vae.ipynb": NOTEBOOK,
        "Ödön von Horváth_12_assignsubmission_file_/mein/03.ipynb": NOTEBOOK,
        "Ben_7_assignsubmission_file/answer.pdf": b"%PDF",
    }
    files, notes = collected(pack(tmp_path / "moodle.zip", given), tmp_path)
    assert set(files) == {"Anna-Berg_4711/03/03_vae.ipynb", "Ödön-von-Horváth_12/03/03_vae.ipynb"}
    assert notes == ["Ben_7_assignsubmission_file/answer.pdf: no notebook, left where it is"]


def test_a_flat_folder_as_classroom_makes_it(tmp_path):
    given = {
        "Exercise 3/Anna Berg - 03_vae.ipynb": NOTEBOOK,
        "Exercise 3/Copy of 03_vae_Ben.ipynb": NOTEBOOK,
        "Exercise 3/03_vae.ipynb": NOTEBOOK,
    }
    files, notes = collected(pack(tmp_path / "classroom.zip", given), tmp_path)
    assert set(files) == {"Exercise-3/03/03_vae.ipynb"}, "one is nobody's: so the folder may be the student"
    del given["Exercise 3/03_vae.ipynb"]
    files, notes = collected(pack(tmp_path / "classroom.zip", given), tmp_path / "2")
    assert set(files) == {"Anna-Berg/03/03_vae.ipynb", "Ben/03/03_vae.ipynb"} and notes == []


def test_the_newest_of_several_counts(tmp_path):
    given = {"anna/b/03_vae.ipynb": b"[1]", "anna/03_vae (1).ipynb": NOTEBOOK, "ben/03_vae.ipynb": NOTEBOOK}
    files, notes = collected(write(tmp_path / "in", given), tmp_path)
    assert files["anna/03/03_vae.ipynb"] == NOTEBOOK and notes == [
        "anna/b/03_vae.ipynb: an older version of anna's"
    ]


def test_only_one_notebook_and_names_that_say_nothing(tmp_path):
    given = {
        "anna/03_vae.ipynb": NOTEBOOK,
        "anna/06_conditional_gan.ipynb": NOTEBOOK,
        "ben/Untitled.ipynb": NOTEBOOK,
    }
    files, notes = collected(write(tmp_path / "in", given), tmp_path, only="06")
    assert set(files) == {"anna/06/06_conditional_gan.ipynb"}
    assert notes == ["anna/03_vae.ipynb: is notebook 03, not 06",
                     "ben/Untitled.ipynb: its name does not say which notebook it is"]  # fmt: skip


def test_nothing_of_a_zip_leads_out_of_the_target(tmp_path):
    link = zipfile.ZipInfo("eve/03_vae.ipynb")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    source = pack(tmp_path / "evil.zip", {
        "../../out/03_vae.ipynb": NOTEBOOK, "/etc/03_vae.ipynb": NOTEBOOK,
        "C:\\x\\..\\03_vae.ipynb": NOTEBOOK,
        "mallory/../../03_vae.ipynb": NOTEBOOK, "__MACOSX/anna/._03_vae.ipynb": b"junk"})  # fmt: skip
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    files, notes = collected(source, tmp_path)
    assert set(files) == {f"{name}/03/03_vae.ipynb" for name in ("out", "etc", "x", "mallory")}
    assert set(path.name for path in tmp_path.iterdir()) == {"evil.zip", "submitted"}


def test_symbolic_links_in_a_folder_are_left_alone(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(NOTEBOOK)
    folder = write(tmp_path / "in", {"anna/03_vae.ipynb": NOTEBOOK})
    (folder / "eve").mkdir()
    (folder / "eve" / "03_vae.ipynb").symlink_to(secret)
    assert set(collected(folder, tmp_path)[0]) == {"anna/03/03_vae.ipynb"}


def test_one_that_lies_about_its_size_costs_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setattr(collect, "MAX_FILE", 1 << 20)
    bomb = zipfile.ZipInfo("eve/03_vae.ipynb", (2026, 1, 1, 0, 0, 0))
    bomb.compress_type = zipfile.ZIP_DEFLATED
    source = pack(tmp_path / "bomb.zip", {"anna/03_vae.ipynb": NOTEBOOK})
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr(bomb, bytes(8 << 20))
    files, notes = collected(source, tmp_path)
    assert set(files) == {"anna/03/03_vae.ipynb"} and "eve/03_vae.ipynb: larger than 1 MB" in notes[0]
    entry = zipfile.ZipFile(source).getinfo("eve/03_vae.ipynb")
    entry.file_size = 10
    with pytest.raises((ValueError, zipfile.BadZipFile)):
        collect._reader(zipfile.ZipFile(source), entry)()


def test_damaged_files_are_named(tmp_path):
    data = pack(
        tmp_path / "whole.zip", {"anna/03_vae.ipynb": NOTEBOOK, "ben/03_vae.ipynb": NOTEBOOK}
    ).read_bytes()
    (tmp_path / "cut.zip").write_bytes(data.replace(b"mine", b"your", 1))
    files, notes = collected(tmp_path / "cut.zip", tmp_path)
    assert set(files) == {"ben/03/03_vae.ipynb"} and "anna/03_vae.ipynb: can't be read" in notes[0]


def test_the_command_says_who_is_missing(tmp_path, capsys):
    given = {"anna/03_vae.ipynb": NOTEBOOK, "Ben Ono_7_assignsubmission_file_/03.ipynb": b"{"}
    source = write(tmp_path / "in", given)
    (tmp_path / "list.csv").write_text("name,mail\nanna,a@x\nBen Ono,b@x\nCleo,c@x\n", encoding="utf-8-sig")
    arguments = [
        "collect",
        str(source),
        "--to",
        str(tmp_path / "out"),
        "--students",
        str(tmp_path / "list.csv"),
    ]
    assert commands.main(arguments) == 0
    said = capsys.readouterr().out
    assert "2 notebooks of 2 students" in said and "1 have handed in nothing: Cleo" in said, said
    assert "03.ipynb: is no JSON; collected as it is" in said


def test_what_can_not_be_read_is_answered_in_a_sentence(tmp_path, capsys):
    (tmp_path / "no.zip").write_text("no zip")
    assert commands.main(["collect", str(tmp_path / "no.zip")]) == 2
    assert "neither a folder nor a zip" in capsys.readouterr().err
    assert commands.main(["collect", str(tmp_path), "--students", str(tmp_path / "none.csv")]) == 2
    assert "can't be read as a list of students" in capsys.readouterr().err

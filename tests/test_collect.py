"""What students hand in, in whatever form it comes, lies in submitted/STUDENT/NN/ and nowhere else."""

import json
import os
import stat
import types
import unicodedata
import zipfile

import pytest

from dlimlib.course.handout import collect, commands, incoming

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
    assert set(files) == {"Anna-Berg/03/03_vae.ipynb", "Ben/03/03_vae.ipynb"}
    assert notes == ["Exercise 3/03_vae.ipynb: nothing says whose it is"]


@pytest.mark.parametrize(
    "inside", ["anna/03_vae.ipynb ben/03_vae.ipynb", "ben/03/03_vae.ipynb anna/03.ipynb"]
)
@pytest.mark.parametrize("around", ["", "export/", "export/Exercise 3/"])
def test_folders_around_all_students_are_not_students(inside, around, tmp_path):
    given = {around + name: NOTEBOOK for name in inside.split()}
    files, notes = collected(pack(tmp_path / "in.zip", given), tmp_path)
    assert set(files) == {"anna/03/03_vae.ipynb", "ben/03/03_vae.ipynb"} and notes == []


def test_one_student_with_two_notebooks_is_one_student(tmp_path):
    given = {"anna/03/03_vae.ipynb": NOTEBOOK, "anna/06/06_conditional_gan.ipynb": NOTEBOOK}
    files, _ = collected(write(tmp_path / "in", given), tmp_path)
    assert set(files) == {"anna/03/03_vae.ipynb", "anna/06/06_conditional_gan.ipynb"}


def test_moodles_zip_without_folders(tmp_path):
    given = {"Anna Berg_4711_assignsubmission_file_03_vae.ipynb": NOTEBOOK,
             "Ben_12_assignsubmission_file_03_vae (1).ipynb": NOTEBOOK}  # fmt: skip
    files, notes = collected(pack(tmp_path / "moodle.zip", given), tmp_path)
    assert set(files) == {"Anna-Berg_4711/03/03_vae.ipynb", "Ben_12/03/03_vae.ipynb"} and notes == []


def test_nobody_can_hand_in_under_another_name_from_a_folder_of_their_own(tmp_path):
    given = {"anna/03_vae.ipynb": NOTEBOOK, "eve/anna_1_assignsubmission_file_/anna/03_vae.ipynb": b"[]",
             "eve/../anna/03_vae.ipynb": b"[]"}  # fmt: skip
    given["eve/" + "a/" * 9000 + "03_vae.ipynb"] = b"[]"
    files, _ = collected(pack(tmp_path / "in.zip", given), tmp_path)
    assert files == {"anna/03/03_vae.ipynb": NOTEBOOK, "eve/03/03_vae.ipynb": b"[]"}


def test_names_of_any_script_stay_apart(tmp_path):
    names = ["राम", "रीम", unicodedata.normalize("NFD", "Ödön"), "李小龙", "\U00020000" * 90, "Anna", "anna"]
    given = {f"{name}/03_vae.ipynb": NOTEBOOK for name in names}
    files, notes = collected(pack(tmp_path / "in.zip", given), tmp_path)
    students = {file.partition("/")[0] for file in files}
    assert students == {"राम", "रीम", "Ödön", "李小龙", "\U00020000" * 60, "Anna"}
    assert notes == ["Anna/03_vae.ipynb: an older version of Anna's"], "some disks make one folder of both"
    old = types.SimpleNamespace(filename="Ödön\\03.ipynb".encode().decode("cp437"), flag_bits=0)
    assert incoming._place(old) == ("Ödön", "03.ipynb")


def test_a_renamed_notebook_is_known_by_its_last_cell(tmp_path):
    cell = {"cell_type": "code", "source": ["from x import y\n", 'check_my_work("06_conditional_gan.ipynb")']}
    given = {"s03/solution.ipynb": json.dumps({"cells": [cell]}).encode()}
    assert set(collected(write(tmp_path / "in", given), tmp_path)[0]) == {"s03/06/06_conditional_gan.ipynb"}


def test_what_was_collected_before_is_neither_handed_in_nor_replaced_without_a_word(tmp_path):
    source = write(tmp_path / "in", {"anna/03_vae.ipynb": NOTEBOOK})
    for notes in ([], [], ["anna/03_vae.ipynb: takes the place of what was collected before"]):
        found = collect.collect(source, source / "submitted", NAMES)
        assert set(found.notebooks) == {("anna", "03")} and found.notes == notes
        if (source / "second").exists():
            (source / "anna" / "03_vae.ipynb").write_bytes(NOTEBOOK + b" ")
        (source / "second").mkdir(exist_ok=True)


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
                     "ben/Untitled.ipynb: nothing says which notebook it is"]  # fmt: skip


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
    for module in (collect, incoming):
        monkeypatch.setattr(module, "MAX_FILE", 1 << 20)
    bomb = zipfile.ZipInfo("eve/03_vae.ipynb", (2026, 1, 1, 0, 0, 0))
    bomb.compress_type = zipfile.ZIP_DEFLATED
    source = pack(tmp_path / "bomb.zip", {"anna/03_vae.ipynb": NOTEBOOK})
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr(bomb, bytes(8 << 20))
    files, notes = collected(source, tmp_path)
    assert set(files) == {"anna/03/03_vae.ipynb"} and "eve/03_vae.ipynb: larger than 1 MB" in notes[0]
    with zipfile.ZipFile(source) as archive:
        entry = archive.getinfo("eve/03_vae.ipynb")
        with pytest.raises(ValueError, match="larger than 1 MB"):
            incoming._capped(lambda: archive.open(entry))()
        entry.file_size = 10
        with pytest.raises(zipfile.BadZipFile):
            incoming._capped(lambda: archive.open(entry))()


def test_heaps_of_notebooks_are_refused_and_heaps_of_other_files_are_not(tmp_path, monkeypatch, capsys):
    given = {f"eve/.venv/lib/{k}.py": b"" for k in range(40)} | {"anna/03_vae.ipynb": NOTEBOOK}
    source = write(tmp_path / "in", given)
    monkeypatch.setattr(incoming, "MAX_NOTEBOOKS", 3)
    files, notes = collected(source, tmp_path)
    assert set(files) == {"anna/03/03_vae.ipynb"}
    assert notes == ["eve/.venv/lib/0.py, 1.py, 10.py and 37 more: no notebook, left where it is"]
    write(source, {f"eve/{k}.ipynb": NOTEBOOK for k in range(4)})
    assert commands.main(["collect", str(source), "--to", str(tmp_path / "no")]) == 2
    assert "among them 5 notebooks" in capsys.readouterr().err and not (tmp_path / "no").exists()


def test_names_do_nothing_to_the_terminal(tmp_path):
    given = {"eve\x1b[2J/03_vae.ipynb": b"{", "mal\udcff/a.pdf": b""}
    try:
        source = write(tmp_path / "in", given)
    except (OSError, UnicodeError):
        pytest.skip("this disk has no such names")
    files, notes = collected(source, tmp_path)
    assert set(files) == {"eve-2J/03/03_vae.ipynb"} and all(note.isprintable() for note in notes)
    "".join(notes).encode()


def test_damaged_files_are_named(tmp_path):
    data = pack(
        tmp_path / "whole.zip", {"anna/03_vae.ipynb": NOTEBOOK, "ben/03_vae.ipynb": NOTEBOOK}
    ).read_bytes()
    (tmp_path / "cut.zip").write_bytes(data.replace(b"mine", b"your", 1))
    files, notes = collected(tmp_path / "cut.zip", tmp_path)
    assert set(files) == {"ben/03/03_vae.ipynb"} and "anna/03_vae.ipynb: can't be read" in notes[0]
    with zipfile.ZipFile(tmp_path / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("anna", "ben"):
            archive.writestr(f"{name}/03_vae.ipynb", NOTEBOOK + bytes(1000))
    data = bytearray((tmp_path / "packed.zip").read_bytes())
    begin = data.index(b"anna/03_vae.ipynb") + len(b"anna/03_vae.ipynb")
    data[begin : begin + 8] = b"\xff" * 8
    (tmp_path / "packed.zip").write_bytes(data)
    files, notes = collected(tmp_path / "packed.zip", tmp_path / "2")
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
    assert "2 notebooks of 2 students" in said and "03: 1 of 3 have not handed it in: Cleo c@x\n" in said
    assert "03.ipynb: is no JSON; collected as it is" in said


@pytest.mark.parametrize("row", ["Berg;Anna;1", "anna;berg;x", "x;Anna Berg;y", '"Berg, Anna";;'])
def test_a_name_of_the_list_is_found_however_it_is_written(row, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(f"Surname;First name;Group\n{row}\nDelo;Cleo;4711\n", encoding="utf-8")
    assert collect.missing(collect.listed(path), ["Anna-Berg_4711", "ben"]) == ["Delo Cleo"]


def test_what_can_not_be_read_is_answered_in_a_sentence(tmp_path, capsys):
    def said(*arguments):
        assert commands.main(["collect", *map(str, arguments), "--to", str(tmp_path / "out")]) == 2
        return capsys.readouterr().err

    (tmp_path / "no.zip").write_text("no zip")
    (tmp_path / "latin.csv").write_bytes("Name\nÖdön\n".encode("latin-1"))
    assert "neither a folder nor a zip" in said(tmp_path / "no.zip")
    assert "neither a folder nor a zip" in said(tmp_path / "none")
    assert "can't be read as a list of students" in said(tmp_path, "--students", tmp_path / "none.csv")
    assert 'save it as "CSV UTF-8"' in said(tmp_path, "--students", tmp_path / "latin.csv")
    assert "no notebook 33; there are 01, 02" in said(tmp_path, "--only", "33")

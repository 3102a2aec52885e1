"""The commands: what they start, when they install, what they say when something stands in the way."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
import venv
from pathlib import Path

import pytest

from dlimlib import __main__ as cli
from dlimlib.install import doctor, environment, inventory

ROOT = environment.ROOT
BEFORE_INSTALLATION = (
    "__init__.py",
    "__main__.py",
    "settings.py",
    "install/__init__.py",
    "install/inventory.py",
    "install/environment.py",
    "install/doctor.py",
)


# --- arguments ---


@pytest.fixture
def started(monkeypatch):
    """Commands that would have been started, in an environment that has everything."""
    commands, codes = [], []

    def start(command, **options):
        commands.append(list(map(str, command)))
        return codes.pop(0) if codes else 0

    monkeypatch.setattr(environment, "prepare", lambda extras, torch_index=None: "/env/python")
    monkeypatch.setattr(environment, "replace", start)
    monkeypatch.setattr(environment, "run", start)
    return types.SimpleNamespace(commands=commands, codes=codes)


def test_lab_hands_its_options_to_jupyterlab(started):
    assert cli.main(["lab", "--no-browser", "--port", "9123", "--host", "0.0.0.0", "--collaborative"]) == 0
    (command,) = started.commands
    assert command[:3] == ["/env/python", "-m", "jupyterlab"]
    assert {"--no-browser", "--port", "9123", "--ip=0.0.0.0", "--collaborative"} <= set(command)
    assert f"--ServerApp.root_dir={ROOT}" in command


def test_lab_opens_the_first_notebook(started):
    cli.main(["lab"])
    opened = [word for word in started.commands[0] if word.startswith("--LabApp.default_url=")]
    assert opened == [f"--LabApp.default_url=/lab/tree/{cli.FIRST}"] and (ROOT / cli.FIRST).exists()


def test_test_checks_style_then_runs_pytest_once(started):
    assert cli.main(["test", "-k", "faces"]) == 0
    check, form, tests = started.commands
    assert check == ["/env/python", "-m", "ruff", "check", "."]
    assert form == ["/env/python", "-m", "ruff", "format", "--check", "."]
    assert tests[1:3] == ["-m", "pytest"] and tests[-2:] == ["-k", "faces"]
    assert {"--nbval-lax", "--nbval-current-env", "--dist=loadscope", "tests"} <= set(tests)


def test_paths_after_test_replace_all_tests(started):
    cli.main(["test", "tests/test_cli.py::test_x"])
    assert [word for word in started.commands[2] if word.startswith("tests")] == ["tests/test_cli.py::test_x"]


def test_fast_leaves_out_what_is_slow_the_browser_and_the_notebooks(started):
    assert cli.main(["test", "--fast", "-k", "faces"]) == 0
    *style, tests = started.commands
    assert [command[2] for command in style] == ["ruff", "ruff"]
    assert tests[tests.index("-m", 3) + 1] == "not slow and not browser"
    assert "tests" in tests and tests[-2:] == ["-k", "faces"]
    assert not {"notebooks", "--nbval-lax", "--fast"} & set(tests)


@pytest.mark.parametrize(
    "codes, expected", [([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 2, 0], 2), ([0, 2, 5], 2), ([0, 0, 5], 5)]
)
def test_exit_code_of_test(started, codes, expected):
    started.codes.extend(codes)
    assert cli.main(["test"]) == expected
    assert len(started.commands) == 3, "the tests run also when the style has faults"


def test_run_and_badges_go_on_in_the_environment(started):
    cli.main(["run", "01", "--profile", "cpu", "--help"])
    assert started.commands == [["/env/python", "-m", "dlimlib", "run", "01", "--profile", "cpu", "--help"]]


@pytest.mark.parametrize("command, module", [("run", "record"), ("badges", "badges")])
def test_run_and_badges_reach_the_course(monkeypatch, command, module):
    fake = types.ModuleType(module)
    fake.main = lambda argv: (argv, 7)[1] if argv == ["01", "--record"] else pytest.fail(f"got {argv}")
    monkeypatch.setitem(sys.modules, f"dlimlib.course.{module}", fake)
    monkeypatch.setattr(environment, "prepare", lambda extras: sys.executable)
    assert cli.main([command, "01", "--record"]) == 7


@pytest.mark.parametrize(
    "argv, says",
    [
        ([], "the commands are lab, test, run, doctor, badges, course"),
        (["dance"], "the commands are lab, test, run, doctor, badges, course"),
        (["--port", "1"], "the commands are lab, test, run, doctor, badges, course"),
        (["doctor", "--loudly"], "doctor takes no arguments, got --loudly"),
        (["lab", "--host"], "argument --host: expected one argument"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(argv, says, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(argv)
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert (caught.value.code, first, said.out) == (2, says, "")
    assert re.fullmatch("`python -m dlimlib( lab)? --help` explains them.", second)


@pytest.mark.parametrize("command", ["lab", "test", "run", "doctor", "badges"])
def test_a_wrong_profile_is_told_before_anything_starts(started, monkeypatch, capsys, command):
    monkeypatch.setenv("DLIM_PROFILE", "fast")
    assert cli.main([command]) == 2 and not started.commands
    said = capsys.readouterr().err
    assert said == "DLIM_PROFILE must be one of smoke, cpu, gpu, got 'fast'; without it the device decides\n"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n    {name} " in said for name in ("lab", "test", "run", "doctor", "badges"))


# --- before anything is installed ---


@pytest.mark.parametrize("name", BEFORE_INSTALLATION)
def test_older_pythons_can_read_it(name):
    ast.parse((ROOT / "dlimlib" / name).read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.fixture
def bare(tmp_path):
    """Run a command in a checkout with a space in its name and by a Python that has no package at all."""
    root = tmp_path / "my course"
    for name in BEFORE_INSTALLATION:
        (root / "dlimlib" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "dlimlib" / name, root / "dlimlib" / name)
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, root)
    venv.create(tmp_path / "python", with_pip=False)
    python = environment.venv_python(tmp_path / "python")
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "CONDA_PREFIX")}

    def run(*argv):
        command = [python, "-m", "dlimlib", *argv]
        return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, encoding="utf-8")

    return run


def test_help_needs_no_package(bare):
    answer = bare("lab", "--help")
    assert answer.returncode == 0 and "--no-browser" in answer.stdout, answer.stderr


def test_doctor_needs_no_package(bare):
    answer = bare("doctor")
    assert answer.returncode == 1 and not answer.stderr
    assert re.search(r"BAD +packages +missing or too old: .*torch", answer.stdout)
    assert re.search(r"BAD +torch +doesn't work: .*\n +`python -m dlimlib lab` mends it", answer.stdout)
    assert re.search(r"ok +folder ", answer.stdout)


# --- when it installs ---


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout whose pip installs one package, `thing` 2.0; `.commands` are those that were run."""
    root = tmp_path / "checkout"
    root.mkdir()
    (root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["thing>=1.5"]\n[project.optional-dependencies]\nlab = []\ntest = []\n'
    )
    (root / "constraints.txt").write_text("thing==2.0\n")
    here = types.SimpleNamespace(root=root, venv=root / ".venv", commands=[], pip=0)

    def run(command, **options):
        here.commands.append(command)
        if command[1:3] == ["-m", "venv"]:
            venv.create(command[3], with_pip=False)
            site(here.venv, "pip", "25.0")
            return 0
        if here.pip == 0:
            site(here.venv, "thing", "2.0")
        elif isinstance(here.pip, type):
            raise here.pip
        return here.pip

    monkeypatch.setattr(environment, "run", run)
    monkeypatch.setattr(environment, "active", lambda: False)
    monkeypatch.setattr(environment, "cuda_build", lambda *args: False)
    here.prepare = lambda *extras, **options: environment.prepare(list(extras), root=root, **options)
    return here


def site(folder, name, version, needs=(), **files):
    """Put a package into a virtual environment, with modules (name=text) and a list of them; its folder."""
    (packages,) = [p for p in folder.rglob("site-packages") if not p.parent.is_symlink()]
    (packages / f"{name}-{version}.dist-info").mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
    (packages / f"{name}-{version}.dist-info" / "METADATA").write_text(metadata)
    record = [f"{name}-{version}.dist-info/METADATA,,{len(metadata)}", "../../../bin/tool,,9", "old.pyc,,9"]
    for module, text in files.items():
        (packages / f"{module}.py").write_text(text)
        record.append(f"{module}.py,sha256=x,{len(text)}")
    (packages / f"{name}-{version}.dist-info" / "RECORD").write_text("\n".join(record))
    if name == "pip":
        (packages / "pip.py").write_text("")
    return packages


def rebuilt(checkout, *extras):
    """Whether the next start makes .venv anew (True), mends it (False) or leaves it alone (None)."""
    checkout.commands.clear()
    (checkout.venv / "left over").touch()
    checkout.prepare(*(extras or ["lab"]))
    return None if not checkout.commands else not (checkout.venv / "left over").exists()


def test_first_start_installs_and_the_second_does_not(checkout):
    python = checkout.prepare("lab")
    assert Path(python) == environment.venv_python(checkout.venv)
    made, installed = checkout.commands
    assert made == [sys.executable, "-m", "venv", str(checkout.venv)]
    tested = ["-c", str(checkout.root / "constraints.txt")]
    assert installed == [python, "-m", "pip", "install", *tested, "-e", f"{checkout.root}[lab]"]
    assert rebuilt(checkout) is None and checkout.prepare("lab") == python


def test_more_extras_are_added_and_stay(checkout):
    checkout.prepare("lab")
    assert rebuilt(checkout, "lab", "test") is False
    assert checkout.commands[0][-1].endswith("checkout[lab,test]")
    assert rebuilt(checkout, "lab") is None
    (checkout.root / "constraints.txt").write_text("thing==2.0\n# newer\n")
    assert rebuilt(checkout, "lab") is False
    assert checkout.commands[0][-1].endswith("checkout[lab,test]")


def test_moved_checkout_is_installed_again(checkout):
    checkout.prepare("lab")
    checkout.commands.clear()
    moved = checkout.root.rename(checkout.root.with_name("moved"))
    checkout.venv = moved / ".venv"
    environment.prepare(["lab"], root=moved)
    (command,) = checkout.commands
    assert command[-1] == f"{moved}[lab]"


def test_package_that_is_gone_is_installed_again(checkout):
    checkout.prepare("lab")
    shutil.rmtree(next(checkout.venv.rglob("thing-2.0.dist-info")))
    assert rebuilt(checkout) is False


def test_environment_without_pip_is_made_anew(checkout):
    """As after the system's Python has become a newer one, which looks for packages elsewhere."""
    checkout.prepare("lab")
    shutil.rmtree(next(checkout.venv.rglob("thing-2.0.dist-info")))
    next(checkout.venv.rglob("pip.py")).unlink()
    assert rebuilt(checkout) is True


def test_interpreter_that_is_gone_makes_it_anew(checkout):
    checkout.prepare("lab")
    environment.venv_python(checkout.venv).unlink()
    assert rebuilt(checkout) is True


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, 1])
def test_half_made_environment_is_rebuilt(checkout, end):
    checkout.pip = end
    with pytest.raises(environment.Problem if end == 1 else end):
        checkout.prepare("lab")
    checkout.pip = 0
    assert rebuilt(checkout) is True
    assert rebuilt(checkout) is None


def test_cut_update_is_rebuilt_but_a_refused_one_is_not(checkout):
    checkout.prepare("lab")
    (checkout.root / "constraints.txt").write_text("thing==2.1\n")
    checkout.pip = 1  # as without internet
    with pytest.raises(environment.Problem, match="pip could not install everything"):
        checkout.prepare("lab")
    checkout.pip = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        checkout.prepare("lab")
    assert not any(command[1:3] == ["-m", "venv"] for command in checkout.commands[2:])
    checkout.pip = 0
    assert rebuilt(checkout) is True


def test_own_environment_without_our_stamp_is_kept(checkout):
    environment.run([sys.executable, "-m", "venv", str(checkout.venv)])
    assert rebuilt(checkout) is False


def test_torch_index_reaches_pip_and_is_remembered(checkout):
    checkout.prepare("lab", torch_index="file:///cpu")
    assert checkout.commands[1][-2:] == ["--upgrade", "torch"]
    assert checkout.commands[1][6:8] == ["--extra-index-url", "file:///cpu"]
    assert rebuilt(checkout) is None
    assert rebuilt(checkout, "lab", "test") is False
    assert "file:///cpu" in checkout.commands[0]
    checkout.commands.clear()
    checkout.prepare("lab", torch_index="file:///cuda")
    assert "file:///cuda" in checkout.commands[0] and "file:///cpu" not in checkout.commands[0]


def test_active_environment_is_used_when_it_has_what_is_needed(checkout, monkeypatch):
    monkeypatch.setattr(environment, "active", lambda: True)
    (checkout.root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["pytest>=8"]\n[project.optional-dependencies]\nlab = []\n'
    )
    assert checkout.prepare("lab") == sys.executable and not checkout.commands


def test_active_environment_is_left_alone_when_something_lacks(checkout, monkeypatch):
    monkeypatch.setattr(environment, "active", lambda: True)
    assert Path(checkout.prepare("lab")) == environment.venv_python(checkout.venv)


@pytest.mark.parametrize("line, lacks", [("pytest>=8", 0), ("pytest>=999.1", 1), ("no-such-thing>=1", 1)])
def test_what_an_interpreter_lacks(checkout, line, lacks):
    (checkout.root / "pyproject.toml").write_text(
        f'[project]\ndependencies = ["{line}"]\n[project.optional-dependencies]\n'
    )
    lacking, damaged = environment.look(sys.executable, [], checkout.root)
    assert lacking == [line.split(">=")[0]] * lacks and not damaged


def test_broken_interpreter_is_told_from_one_that_lacks_something(checkout, tmp_path):
    assert environment.look(tmp_path / "python", ["lab"], checkout.root) == (["a working Python"], {})


# --- files that are gone ---


@pytest.fixture
def installed(checkout):
    """The checkout after the first start; its `thing` needs a `part`. `.packages` is the folder of both."""
    checkout.prepare("lab")
    needs = ["The_Part>=1", 'winter; sys_platform == "never"', 'extras; extra == "more"']
    site(checkout.venv, "thing", "2.0", needs, thing="import the_part")
    checkout.packages = site(checkout.venv, "the_part", "v1.5", the_part="x = 12345")
    checkout.commands.clear()
    checkout.python = str(environment.venv_python(checkout.venv))
    return checkout


def test_whole_packages_are_left_alone(installed):
    assert environment.look(installed.python, ["lab"], installed.root) == ([], {})
    assert installed.prepare("lab") == installed.python and not installed.commands


def gone(packages):
    (packages / "the_part.py").unlink()


def emptied(packages):
    (packages / "the_part.py").write_text("")


def garbled(packages):
    (packages / "the_part-v1.5.dist-info" / "RECORD").write_bytes(b"\xff\x00, half a li")


@pytest.mark.parametrize("damage", [gone, emptied, garbled])
def test_what_has_lost_files_is_installed_again_and_nothing_else(installed, capsys, damage):
    damage(installed.packages)
    assert environment.look(installed.python, ["lab"], installed.root) == ([], {"the-part": "v1.5"})
    assert installed.prepare("lab") == installed.python
    (command,) = installed.commands
    pip = [installed.python, "-m", "pip", "install", "--force-reinstall", "--no-deps"]
    assert command == [*pip, "the-part==v1.5"]
    assert "Files of the-part are gone" in capsys.readouterr().out


def test_an_edited_package_is_not_overwritten(installed):
    (installed.packages / "the_part.py").write_text("x = 12345  # and a print for me")
    assert installed.prepare("lab") and not installed.commands


def test_what_conda_has_built_is_not_judged_by_its_list(installed):
    (installed.packages / "the_part-v1.5.dist-info" / "INSTALLER").write_text("conda\n")
    gone(installed.packages)
    assert environment.look(installed.python, ["lab"], installed.root) == ([], {})


def test_a_needed_package_that_is_gone_is_missing(installed):
    shutil.rmtree(installed.packages / "the_part-v1.5.dist-info")
    assert environment.look(installed.python, ["lab"], installed.root) == (["the-part"], {})
    assert rebuilt(installed) is False  # pip's own resolution brings it back


def test_a_repair_uses_the_address_of_the_installation(checkout):
    checkout.prepare("lab", torch_index="file:///cpu")
    gone(site(checkout.venv, "thing", "2.0", the_part="x"))
    checkout.commands.clear()
    checkout.prepare("lab")
    assert checkout.commands[0][-3:] == ["--extra-index-url", "file:///cpu", "thing==2.0"]


def test_a_repair_that_fails_says_what_to_do(installed):
    gone(installed.packages)
    installed.pip = 1
    with pytest.raises(environment.Problem, match="Is the internet there"):
        installed.prepare("lab")
    assert environment.stamp(installed.venv)


def test_the_active_environment_is_repaired_too(checkout, monkeypatch):
    monkeypatch.setattr(environment, "active", lambda: True)
    monkeypatch.setattr(environment, "look", lambda *args: ([], {"torchmetrics": "1.9.0"}))
    monkeypatch.setattr(environment, "run", lambda command, **options: checkout.commands.append(command))
    assert checkout.prepare("lab") == sys.executable
    (command,) = checkout.commands
    assert command[0] == sys.executable and command[-1] == "torchmetrics==1.9.0"


def test_the_real_environment_is_whole_and_looked_at_quickly():
    begin = time.process_time()
    assert inventory.look(environment.requirements(["lab", "teach", "test"])) == ([], {})
    assert time.process_time() - begin < 3  # 0.4 s alone


def test_the_real_lists_agree():
    """Every package that pyproject.toml asks for has a tested version that is new enough; no "+cpu" in it."""
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    tested = {name.lower(): version for name, version in tested.items()}
    for line in environment.requirements(["lab", "teach", "test"]):
        name, lowest = line.lower().split(">=")
        assert inventory.numbers(tested[name]) >= inventory.numbers(lowest), name
    assert tested["torch"] == "2.13.0"


def test_two_at_once_wait_for_each_other(tmp_path, capsys):
    order = []

    def second():
        with environment.only_one(tmp_path):
            order.append("second")

    with environment.only_one(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        while "waits for it" not in capsys.readouterr().out and thread.is_alive():
            time.sleep(0.01)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


# --- what stands in the way ---


def problem(capsys, *argv):
    """What a command says about its problem; the exit code must be 1."""
    assert cli.main(list(argv)) == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.err


def test_old_python(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert "needs Python 3.11 or newer, and this is 3.9" in problem(capsys, "lab")


def test_no_checkout(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(environment.prepare, "__defaults__", (None, tmp_path))
    assert "git clone" in problem(capsys, "test")


def test_no_venv(checkout, monkeypatch):
    monkeypatch.setattr(environment, "run", lambda command: 1)  # as Debian's without python3-venv
    with pytest.raises(environment.Problem, match=r"sudo apt install python3-venv"):
        checkout.prepare("lab")
    assert not environment.stamp(checkout.venv)


def test_small_disk_ends_it_before_anything_is_written(checkout, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=10**9))
    with pytest.raises(environment.Problem, match=r"needs about 2 GB;\n0.9 GB are free"):
        checkout.prepare("lab")
    assert not checkout.venv.exists()


def test_checkout_that_can_not_be_written(checkout, monkeypatch):
    def refuse(folder, *args, **options):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(Path, "mkdir", refuse)  # root, as in a container, may write everywhere
    with pytest.raises(environment.Problem, match="yours to write"):
        checkout.prepare("lab")


@pytest.mark.parametrize(
    "needs, system, expected",
    [
        (["sympy", 'nvidia-cudnn==9; platform_system == "Linux"'], "Linux", True),
        (['cuda-toolkit[cublas]==13.0; platform_system == "Linux"'], "Linux", True),
        (["sympy", "filelock"], "Linux", False),
        (["nvidia-cudnn==9"], "Darwin", False),
    ],
)
def test_cuda_build_is_recognised(monkeypatch, needs, system, expected):
    def pip(command, **options):
        report = {"install": [{"metadata": {"version": "2.13.0", "requires_dist": needs}}]}
        return types.SimpleNamespace(stdout=json.dumps(report))

    monkeypatch.setattr(environment.platform, "system", lambda: system)
    monkeypatch.setattr(environment.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(environment.subprocess, "run", pip)
    assert environment.cuda_build("python", []) is expected


def test_pip_that_can_not_say_is_no_cuda_build(monkeypatch):
    answer = types.SimpleNamespace(stdout="")
    monkeypatch.setattr(environment.subprocess, "run", lambda *args, **options: answer)
    assert environment.cuda_build("python", []) is False


@pytest.mark.parametrize(
    "gpu, free, told, stopped", [(0, 99, 1, 0), (0, 5, 1, 1), (1, 99, 0, 0), (1, 5, 0, 1)]
)
def test_cuda_build_without_gpu_is_told_and_a_small_disk_stops_it(
    checkout, monkeypatch, capsys, gpu, free, told, stopped
):
    monkeypatch.setattr(environment, "cuda_build", lambda *args: True)
    monkeypatch.setattr(environment, "nvidia_gpu", lambda: bool(gpu))
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: types.SimpleNamespace(free=free * 10**9))
    try:
        checkout.prepare("lab")
        said = ""
    except environment.Problem as problem:
        said = str(problem)
    out = capsys.readouterr().out
    assert ("has no NVIDIA GPU" in out) == bool(told)
    assert ("needs about 8 GB" in said) == bool(stopped)
    assert "--torch-index ADDRESS" in out + said or not (told or stopped)
    assert any("pip" in command for command in checkout.commands) != bool(stopped)


def test_interrupt_ends_without_a_traceback(monkeypatch, capsys):
    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "prepare", interrupted)
    assert cli.main(["lab"]) == 130
    assert capsys.readouterr().err.strip() == "Stopped."


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a group of processes")
def test_interrupt_waits_for_the_child(tmp_path):
    heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also under nohup
    child = heard + (
        "import pathlib, time\n"
        "try:\n    print('ready', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    time.sleep(.5); pathlib.Path('saved').touch()\n"
    )
    parent = heard + (
        "import sys\nfrom dlimlib import __main__\nfrom dlimlib.install import environment\n"
        "environment.prepare = lambda *args: environment.run([sys.executable, '-c', sys.argv.pop()])\n"
        "sys.exit(__main__.main(['lab']))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", parent, child],
        cwd=tmp_path, env=env, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.strip()) == (130, "Stopped.")
    assert (tmp_path / "saved").exists()


# --- doctor ---


@pytest.fixture
def examined(capsys, monkeypatch):
    """A function that runs the doctor here and returns exit code, verdicts by name, and what it said."""

    def run(slow=("jupyterlab", "torchmetrics")):
        for name in slow:  # they would be imported for seconds
            monkeypatch.setitem(doctor.MODULES, name, "json")
        code = doctor.main()
        out = capsys.readouterr().out
        lines = re.findall(r"^ *(ok|note|BAD)  (\w+)", out, re.MULTILINE)
        return code, {name: verdict for verdict, name in lines}, out

    return run


@pytest.mark.slow
def test_doctor_finds_a_whole_environment_whole(examined, monkeypatch):
    monkeypatch.delenv("DLIM_MIRROR", raising=False)
    code, verdicts, out = examined(slow=())
    assert code == 0 and "BAD" not in verdicts.values()
    assert list(verdicts) == ["python", "packages", "torch", "memory", "folder", "mirror"]
    assert "profile smoke" in out and os.environ["DLIM_HOME"] in out


@pytest.mark.parametrize(
    "state, says",
    [
        ((["jupyter-server"], {}), "missing or too old: jupyter-server"),
        (([], {"torchmetrics": "1.9.0"}), "files are gone of torchmetrics"),
    ],
)
def test_doctor_on_packages_that_are_not_whole(examined, monkeypatch, state, says):
    monkeypatch.setattr(environment, "look", lambda *args: state)
    code, verdicts, out = examined()
    assert code == 1 and verdicts["packages"] == "BAD" and says in out and "`python -m dlimlib lab`" in out


def test_doctor_on_a_package_that_can_not_be_imported(examined, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    code, verdicts, out = examined()
    assert code == 1 and verdicts["packages"] == "BAD" and "pooch can't be imported" in out


def test_doctor_on_a_folder_that_can_not_be_written(examined, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("DLIM_HOME", str(tmp_path / "file" / "home"))
    code, verdicts, out = examined()
    assert code == 1 and verdicts["folder"] == "BAD" and "DLIM_HOME to a folder" in out


def test_doctor_on_a_mirror_that_is_not_there(examined, monkeypatch):
    monkeypatch.setenv("DLIM_MIRROR", "/no/such/folder")
    code, verdicts, out = examined()
    assert code == 1 and verdicts["mirror"] == "BAD" and "/no/such/folder is no folder" in out


def test_doctor_finds_the_mirror_and_the_cache(examined, monkeypatch, tmp_path):
    (tmp_path / "data" / "toy-faces-v1").mkdir(parents=True)
    monkeypatch.setenv("DLIM_HOME", str(tmp_path))
    monkeypatch.setenv("DLIM_MIRROR", str(tmp_path))
    code, verdicts, out = examined()
    assert code == 0 and verdicts["mirror"] == "ok" and "toy-faces-v1" in out


def test_doctor_on_a_gpu_that_pytorch_can_not_use(examined, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(environment, "nvidia_gpu", lambda: True)
    code, verdicts, out = examined()
    assert (code, verdicts["torch"]) == (0, "note") and "--torch-index" in out


def test_doctor_on_little_memory(examined, monkeypatch):
    import psutil

    total = types.SimpleNamespace(total=2 * environment.GB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: total)
    code, verdicts, out = examined()
    assert code == 0 and verdicts["memory"] == "note" and "lower the batch size" in out


# --- the tests' own surroundings ---


@pytest.mark.slow
def test_each_run_has_folders_of_its_own(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(
        "import os, pathlib\n"
        "def test_it():\n"
        "    home = pathlib.Path(os.environ['DLIM_HOME'])\n"
        "    (home / 'cached').touch(exist_ok=False)\n"
        "    assert os.environ['DLIM_PROFILE'] == 'smoke' and 'DLIM_RECORDING' not in os.environ\n"
        "    pathlib.Path('home.txt').write_text(str(home))\n"
    )
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DLIM_", "PYTEST_"))}
    env |= {"DLIM_HOME": str(tmp_path), "DLIM_RECORDING": "{}"}
    for _ in range(2):
        answer = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir=."],
            cwd=tmp_path, env=env, capture_output=True, text=True,
        )  # fmt: skip
        assert answer.returncode == 0, answer.stdout
        assert not Path((tmp_path / "home.txt").read_text()).exists()

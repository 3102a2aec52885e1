"""python -m dlimlib: open the course, test it, execute its notebooks, see what works here.

Standard library only: it runs before anything is installed, and on old Pythons to say that they are too old.
"""

import argparse
import os
import sys
from importlib import import_module

from dlimlib import settings
from dlimlib.install import environment

FIRST = "notebooks/01_autoencoder.ipynb"
COMMANDS = {
    "lab": "install what is needed and open the first notebook in JupyterLab",
    "test": "install what is needed and run every test",
    "run": "execute notebooks, e.g. run 01 --profile cpu",
    "doctor": "say what works here, and what to do about what doesn't",
    "badges": "stamp the repository: badges --repo OWNER/NAME",
    "course": "the teacher's side: course release 03, course collect submissions.zip",
}
OTHERS = {
    "lab": "Other options are handed to JupyterLab, among them --no-browser and --port PORT.",
    "test": "Other arguments are handed to pytest; paths among them replace tests and notebooks.",
}
TESTS = ["-rs", "-n2", "--dist=loadscope", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120"]
STYLE = (["check"], ["format", "--check"])
FAST = ["-q", "-n2", "--dist=worksteal", "-m", "not slow and not browser"]


class Parser(argparse.ArgumentParser):
    """argparse, which answers a wrong argument in one line instead of the whole usage."""

    def error(self, message):
        self.exit(2, f"{message}\n`{self.prog} --help` explains them.\n")


def parser():
    """Return the command line; `run` and `badges` read their own arguments."""
    top = Parser(prog="python -m dlimlib", description="The course's commands.")
    commands = top.add_subparsers(dest="command", metavar="command")
    torch_index = 'where to get another PyTorch: see pytorch.org, "Get started"'
    for name, text in COMMANDS.items():
        own = commands.add_parser(name, help=text, epilog=OTHERS.get(name), allow_abbrev=False)
        if name in OTHERS:
            own.add_argument("--torch-index", metavar="URL", help=torch_index)
        if name == "lab":
            own.add_argument("--host", help="the address to listen on (localhost)")
        if name == "test":
            own.add_argument("--fast", action="store_true", help="only the style and the tests of a moment")
    return top


def lab(options, rest):
    """Open JupyterLab on the first notebook."""
    python, root = environment.prepare(["lab"], options.torch_index), environment.ROOT
    command = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"]
    command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if options.host:
        command.append(f"--ip={options.host}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container one often is root, and JupyterLab would refuse
    environment.say("JupyterLab starts; Ctrl-C here ends it.")
    return environment.replace([*command, *rest])


def test(options, rest):
    """Check the style, then run the tests and the notebooks; return the first exit code that isn't 0."""
    python, root = environment.prepare(["lab", "teach", "test"], options.torch_index), environment.ROOT
    codes = [environment.run([python, "-m", "ruff", *how, "."], cwd=root) for how in STYLE]
    if any(codes):
        environment.say("The style has faults (above): the command will end with an error after the tests.\n")
    named = any((root / argument.split("::")[0]).exists() for argument in rest if argument[:1] != "-")
    paths = [] if named else ["tests"] if options.fast else ["tests", "notebooks"]
    command = [python, "-m", "pytest", *(FAST if options.fast else TESTS), *paths, *rest]
    codes.append(environment.run(command, cwd=root))
    return next(filter(None, codes), 0)


def course(command, *rest):
    """Hand a command to the course's own code, in an environment that has what it needs."""
    python = environment.prepare(["lab", "teach"] if command == "course" else ["lab"])
    if python != sys.executable:
        return environment.replace([python, "-m", "dlimlib", command, *rest])
    module = {"run": "record", "badges": "badges", "course": "handout.commands"}[command]
    return import_module(f"dlimlib.course.{module}").main([*rest])


def doctor(_, rest):
    """Report on the environment that `lab` would use, or on this interpreter while there is none."""
    if rest:
        parser().error(f"doctor takes no arguments, got {' '.join(rest)}")
    environment.check_python()
    has_lists = (environment.ROOT / "pyproject.toml").is_file()
    python, _ = environment.ready(["lab"]) if has_lists else (None, {})
    if python and python != sys.executable:
        return environment.replace([python, "-m", "dlimlib", "doctor"])
    return import_module("dlimlib.install.doctor").main()


def main(argv=None):
    """Run one command; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in (*COMMANDS, "-h", "--help"):
        parser().error(f"the commands are {', '.join(COMMANDS)}")
    try:
        if os.environ.get("DLIM_PROFILE"):
            settings.profile()  # better now than in the first cell of a notebook
    except ValueError as error:
        print(f"{error}; without it the device decides", file=sys.stderr)
        return 2
    try:
        if argv[0] in ("run", "badges", "course"):
            return course(*argv)
        options, rest = parser().parse_known_args(argv)
        return {"lab": lab, "test": test, "doctor": doctor}[options.command](options, rest)
    except environment.Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

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
COMMANDS = ("lab", "test", "run", "doctor", "badges")
TESTS = ["-rs", "-n2", "--dist=loadscope", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120"]
STYLE = (["check"], ["format", "--check"])
FAST = ["-q", "-n2", "--dist=worksteal", "-m", "not slow and not browser"]


class Parser(argparse.ArgumentParser):
    """argparse, which answers a wrong argument in one line instead of the whole usage."""

    def error(self, message):
        self.exit(2, f"{message}\n`{self.prog} --help` explains them.\n")


def parser():
    """The command line; `run` and `badges` read their own arguments."""
    top = Parser(prog="python -m dlimlib", description="The course's commands.")
    commands = top.add_subparsers(dest="command", metavar="command")
    torch_index = argparse.ArgumentParser(add_help=False)
    torch_index.add_argument(
        "--torch-index", metavar="URL", help='where to get another PyTorch: see pytorch.org, "Get started"'
    )

    lab = commands.add_parser(
        "lab", parents=[torch_index], help="install what is needed and open the first notebook in JupyterLab",
        epilog="Other options are handed to JupyterLab.", allow_abbrev=False,
    )  # fmt: skip
    lab.add_argument("--no-browser", action="store_true", help="only print the address")
    lab.add_argument("--port", type=int, help="the port to listen on (8888, or the next free one)")
    lab.add_argument("--host", help="the address to listen on (localhost)")

    test = commands.add_parser(
        "test", parents=[torch_index], help="install what is needed and run every test",
        epilog="Other arguments are handed to pytest; paths among them replace tests and notebooks.",
        allow_abbrev=False,
    )  # fmt: skip
    test.add_argument("--fast", action="store_true", help="only the style and the tests that take a moment")
    commands.add_parser("run", add_help=False, help="execute notebooks, e.g. run 01 --profile cpu")
    commands.add_parser("doctor", help="say what works here, and what to do about what doesn't")
    commands.add_parser("badges", add_help=False, help="stamp the repository: badges --repo OWNER/NAME")
    return top


def own_path(python):
    """Variables for a child: a foreign environment finds dlimlib in this checkout, .venv does by itself."""
    if environment.venv_python(environment.ROOT / ".venv") == environment.Path(python):
        return {}
    paths = [str(environment.ROOT), os.environ.get("PYTHONPATH")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def lab(options, rest):
    """Open JupyterLab on the first notebook."""
    python = environment.prepare(["lab"], options.torch_index)
    command = [python, "-m", "jupyterlab", f"--ServerApp.root_dir={environment.ROOT}"]
    if (environment.ROOT / FIRST).is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{FIRST}")
    if options.no_browser:
        command.append("--no-browser")
    if options.port is not None:
        command.append(f"--port={options.port}")
    if options.host:
        command.append(f"--ip={options.host}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container one often is root, and JupyterLab would refuse
    environment.say("JupyterLab starts; Ctrl-C here ends it.")
    return environment.replace([*command, *rest], **own_path(python))


def test(options, rest):
    """Check the style, then run the tests and the notebooks; the exit code is the first that isn't 0."""
    python = environment.prepare(["lab", "test"], options.torch_index)
    root = environment.ROOT
    codes = [environment.run([python, "-m", "ruff", *how, "."], cwd=root) for how in STYLE]
    if any(codes):
        environment.say("The style has faults (above): the command will end with an error after the tests.\n")
    named = any((root / argument.split("::")[0]).exists() for argument in rest if argument[:1] != "-")
    every = ["tests"] if options.fast else ["tests", "notebooks"]
    paths = [] if named else [name for name in every if (root / name).is_dir()]
    command = [python, "-m", "pytest", *(FAST if options.fast else TESTS), *paths, *rest]
    codes.append(environment.run(command, cwd=root, env={**os.environ, **own_path(python)}))
    return next(filter(None, codes), 0)


def inside(command, rest):
    """Hand a command to the course's own code, in an environment that has what it needs."""
    python = environment.prepare(["lab"])
    if python != sys.executable:
        return environment.replace([python, "-m", "dlimlib", command, *rest], **own_path(python))
    module = {"run": "record", "badges": "badges"}[command]
    return import_module(f"dlimlib.course.{module}").main(rest)


def doctor():
    """Report on the environment that `lab` would use, or on this interpreter while there is none."""
    try:
        environment.check_python()
        environment.check_checkout()
        python, _ = environment.ready(["lab"])
    except environment.Problem:
        python = None
    if python and python != sys.executable:
        return environment.replace([python, "-m", "dlimlib", "doctor"], **own_path(python))
    return import_module("dlimlib.install.doctor").main()


def main(argv=None):
    """Run one command; the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] not in (*COMMANDS, "-h", "--help"):
        what = f"there is no command {argv[0]}" if argv else "say what to do"
        parser().error(f"{what}: {', '.join(COMMANDS[:-1])} or {COMMANDS[-1]}")
    try:
        if os.environ.get("DLIM_PROFILE"):
            settings.profile()  # better now than in the first cell of a notebook
    except ValueError as error:
        print(f"{error}; without it the device decides", file=sys.stderr)
        return 2
    try:
        if argv[0] in ("run", "badges"):
            return inside(argv[0], argv[1:])
        options, rest = parser().parse_known_args(argv)
        if options.command == "doctor":
            if rest:
                parser().error(f"doctor takes no arguments, got {' '.join(rest)}")
            return doctor()
        return {"lab": lab, "test": test}[options.command](options, rest)
    except environment.Problem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

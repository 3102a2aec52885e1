"""The sandbox of submissions: what honest ones need works in it, and nothing leads out."""

import os
import shutil
import time
from pathlib import Path

import pytest

from dlimlib.course.grading import process, sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sandbox.reason() is not None, reason=str(sandbox.reason())),
]
ROOT = Path(__file__).parents[1]


def run(*sources, seconds=20, in_all=60):
    """Return the results of cells in the sandbox, in order."""
    cells = [process.Cell(i, source) for i, source in enumerate(sources)]
    return [*process.run_cells(cells, 0, seconds, in_all, sandbox.launch).values()]


def test_what_honest_ones_need_is_there():
    (result,) = run("""
import matplotlib.pyplot as plt, torch, dlimlib, tempfile
from pathlib import Path
plt.plot([1, 2]), plt.savefig("plot.png")
torch.save(torch.ones(3), "ones.pt")
print(torch.load("ones.pt").sum().item(), Path("plot.png").stat().st_size > 0, dlimlib.device())
with tempfile.TemporaryFile() as file: print(file.write(b"12"))
!echo a command
""")
    assert result["error"] is None and result["text"].split() == "3.0 True cpu 2 a command".split(), result


ESCAPES = """
import contextlib, glob, os, socket, ctypes, resource, subprocess, sys
from pathlib import Path
out = []
def attempt(name, do):
    with contextlib.suppress(Exception):
        if do() not in (None, False, [], "", -1): out.append(name)
def holds(path, *words):
    try: text = open(path, errors="replace").read()
    except OSError: return False
    return all(word in text for word in words)
def alive(pid):
    try: os.kill(pid, 0)
    except ProcessLookupError: return False
    return True
files, SKIPPED = [], "proc dev usr lib lib64 include share bin".split()
for folder, names, here in os.walk("/"):
    names[:] = [name for name in names if name not in SKIPPED]
    files += [f"{{folder}}/{{name}}" for name in here if name.endswith((".py", ".ipynb", ".json", ".zip"))]
attempt("solutions", lambda: [p for p in files if p.endswith(".ipynb") and holds(p, "BEGIN SOLUTION")])
attempt("checkout", lambda: [n for n in os.listdir("{root}") if not sys.prefix.startswith("{root}/" + n)])
attempt("outside file", lambda: open("{file}").read())
for folder in ("/", "/dev", "/dlim", "/usr", sys.prefix, "/dlim/dlimlib", "/etc", "/proc/sys/kernel"):
    attempt(f"writes to {{folder}}", lambda: open(f"{{folder}}/it", "w"))
attempt("the judge", lambda: [p for p in glob.glob("/proc/[0-9]*/cmdline") if holds(p, "pytest")])
attempt("signals", lambda: [p for p in range(3, 9999) if p != os.getpid() and alive(p)])
attempt("network", lambda: socket.create_connection(("1.1.1.1", 53), 1))
attempt("this machine", lambda: socket.create_connection(("127.0.0.1", {port}), 1))
libc = ctypes.CDLL(None)
attempt("mounts", lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, b"") == 0)
attempt("new namespaces", lambda: libc.unshare(0x10000000) == 0)
attempt("capabilities", lambda: int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16))
for name in ("DATA", "FSIZE", "NPROC"):
    limit = getattr(resource, "RLIMIT_" + name)
    attempt(f"limit {{name}}", lambda: resource.setrlimit(limit, (-1, -1)) is None)
attempt("secret", lambda: os.environ.get("DLIM_SECRET"))
attempt("disk", lambda: [open(f"big{{i}}", "wb").write(bytes(200 << 20)) for i in range(2)])
attempt("large file", lambda: os.posix_fallocate(os.memfd_create("m"), 0, 300 << 20) is None)
print("escapes:", out, len(files) > 99)
"""


def test_nothing_leads_out(tmp_path, monkeypatch):
    import socket

    monkeypatch.setenv("DLIM_SECRET", "told")
    (tmp_path / "file").write_text("outside")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (result,) = run(ESCAPES.format(root=ROOT, file=tmp_path / "file", port=port))
    assert "escapes: [] True" in result["text"], result


@pytest.mark.parametrize(
    "bomb",
    [
        "held = []\nwhile True: held.append(bytearray(b'x' * 10**8))",
        "import os\nfor _ in range(3):\n    os.fork()\nheld = [bytearray(b'x' * 10**8) for _ in range(20)]\n"
        "import time; time.sleep(60)",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    ],
    ids=["memory", "memory of many", "fork"],
)
def test_bombs_go_off_inside(bomb, monkeypatch):
    """A cell ends with an error or with its process, soon, and the next one runs."""
    monkeypatch.setattr(sandbox, "MEMORY", 1 << 30)
    monkeypatch.setitem(sandbox.LIMITS, "DATA", 1 << 30)
    begin = time.monotonic()
    bad, good = run(bomb, "print('alive')")
    assert (bad["error"] or bad["fatal"]) and good["text"].strip() == "alive", (bad, good)
    assert time.monotonic() - begin < 15


def test_it_ends_before_the_machine_has_no_memory(monkeypatch):
    child = process.Child("/", sandbox.launch)
    monkeypatch.setattr(sandbox, "free", lambda: sandbox.FREE - 1)
    assert "too much memory" in child.run(process.Cell("a", "import time; time.sleep(60)"), 0, 10)["fatal"]
    child.close()


def test_nothing_outlives_it():
    run("import subprocess\nfor _ in range(3): subprocess.Popen(['setsid', 'sleep', '86399.25'])")
    time.sleep(0.5)
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"86399.25" not in path.read_bytes()
        except OSError:
            pass  # it has just ended


def test_without_bubblewrap_there_is_a_reason(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "bubblewrap is not installed" in sandbox.reason.__wrapped__()


def test_a_python_beside_the_solutions_is_refused(monkeypatch):
    monkeypatch.setattr(sandbox.sys, "prefix", str(ROOT))
    assert "holds the solutions" in sandbox.reason.__wrapped__()


def test_a_bubblewrap_that_does_not_work_says_why(monkeypatch, tmp_path):
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sandbox, "environment", lambda: dict(os.environ))
    assert "No permissions" in sandbox.reason.__wrapped__()

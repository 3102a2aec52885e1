"""Downloads from servers as bad as they come, all of them on this machine."""

import contextlib
import gzip
import hashlib
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dlimlib import download
from dlimlib.download import DownloadError, fetch

CONTENT = bytes(i * 7 % 256 for i in range(200_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
DEAD = "http://127.0.0.1:9/file"  # nobody listens on port 9


class Server(BaseHTTPRequestHandler):
    """The first part of the path says how the file is served."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        kind, content = self.path.split("/")[1], CONTENT
        if kind == "gone":
            return self.send_error(404)
        if kind == "broken":
            return self.send_error(503)
        if kind == "wrong":
            content = CONTENT[:-1] + b"!"
        if kind == "half":  # a damaged copy that says nothing about its true size
            content = CONTENT[:1000]
        if kind.startswith("gzip"):
            content = gzip.compress(CONTENT, compresslevel=int(kind[4:]))
        if kind == "silent":
            self.server.done.wait(5)
            return None
        at = 0
        if kind == "cut" and self.headers.get("Range"):
            at = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if at else 200)
        self.send_header("Content-Length", str(len(content) - at))
        self.end_headers()
        if kind in ("cut", "restart") and len(self.server.asked) < 3:
            self.wfile.write(content[at : at + 70_000])
        elif kind == "alwayscut":
            self.wfile.write(content[:1000])
        elif kind == "trickle":
            while not self.server.done.wait(0.02):
                self.wfile.write(b"x")
        else:
            if kind == "both":  # nobody gets anything before two have asked
                with contextlib.suppress(threading.BrokenBarrierError):
                    self.server.barrier.wait(12)
            self.wfile.write(content[at:])
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("DLIM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DLIM_MIRROR", raising=False)
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.5))
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.asked, server.done, server.daemon_threads = [], threading.Event(), True
    server.barrier = threading.Barrier(2)
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.done.set()
    server.shutdown()
    server.server_close()


def left(tmp_path):
    """Every file in the cache."""
    return sorted(p.name for p in (tmp_path / "home").rglob("*") if p.is_file())


def test_a_file_is_downloaded_once(server, tmp_path):
    for _ in range(2):
        path = fetch("set/file", [f"{server.url}/ok/file"], SHA256)
        assert path.read_bytes() == CONTENT and path == tmp_path / "home" / "data" / "set" / "file"
    assert len(server.asked) == 1 and left(tmp_path) == ["file"]
    assert path.stat().st_mode & 0o044 == 0o044  # others may read a shared cache


@pytest.mark.parametrize("kind, why", [
    ("gone", "answers 404"), ("broken", "answers 503"), ("wrong", "SHA-256 is wrong"),
    ("half", "SHA-256 is wrong"),
    ("alwayscut", "was cut"), ("silent", "timed out"), ("trickle", "slower than"),
])  # fmt: skip
def test_bad_servers_make_way_for_the_next_and_leave_nothing(server, tmp_path, kind, why):
    begun = time.monotonic()
    with pytest.raises(DownloadError) as error:
        fetch("mnist/file", [f"{server.url}/{kind}/file", DEAD], SHA256)
    said = str(error.value)
    assert why in said.splitlines()[1] and DEAD in said.splitlines()[2]
    assert "DLIM_MIRROR" in said and '"toy-digits" works offline' in said and "mnist/file" in said
    assert left(tmp_path) == []
    assert fetch("mnist/file", [f"{server.url}/{kind}/file", f"{server.url}/ok/file"], SHA256).exists()
    assert left(tmp_path) == ["file"] and time.monotonic() - begun < 15


def test_a_dead_first_mirror(server, tmp_path):
    assert fetch("set/file", [DEAD, f"{server.url}/ok/file"], SHA256).read_bytes() == CONTENT


def test_a_cut_connection_goes_on_where_it_broke(server):
    assert fetch("set/file", [f"{server.url}/cut/file"], SHA256).read_bytes() == CONTENT
    assert [r for _, r in server.asked] == [None, "bytes=70000-", "bytes=140000-"]


def test_a_cut_connection_to_a_server_that_only_begins_anew(server):
    assert fetch("set/file", [f"{server.url}/restart/file"], SHA256).read_bytes() == CONTENT
    assert len(server.asked) == 3


@pytest.mark.parametrize("level", [1, 9])
def test_uncompressed_bytes_count_where_they_are_known(server, tmp_path, level):
    path = fetch("set/file.gz", [f"{server.url}/gzip{level}/file.gz"], SHA256, unzip=True)
    assert path.name == "file" and path.read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="cut off or damaged"):
        fetch("set/other.gz", [f"{server.url}/wrong/other.gz"], SHA256, unzip=True)
    with pytest.raises(DownloadError, match="SHA-256 is wrong"):
        fetch("set/other.gz", [f"{server.url}/gzip1/other.gz"], "0" * 64, unzip=True)
    assert left(tmp_path) == ["file"]


def test_a_damaged_file_in_the_cache_is_replaced(server, tmp_path):
    path = tmp_path / "home" / "data" / "set" / "file"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:99])
    assert fetch("set/file", [f"{server.url}/ok/file"], SHA256).read_bytes() == CONTENT


def test_two_processes_at_once(server, tmp_path):
    code = (
        "from dlimlib.download import fetch\n"
        f"path = fetch('set/file', ['{server.url}/both/file'], '{SHA256}')\n"
        "assert len(path.read_bytes()) == 200_000"
    )
    root = Path(download.__file__).parents[1]
    start = lambda: subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.PIPE)  # noqa: E731
    both = [start(), start()]
    for process in both:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
    assert len(server.asked) == 2 and left(tmp_path) == ["file"]


def test_a_cache_that_can_t_be_written(server, tmp_path):
    (tmp_path / "home").write_text("a file where the folder should be")
    with pytest.raises(DownloadError, match="can't be kept in .*Set DLIM_HOME"):
        fetch("set/file", [f"{server.url}/ok/file"], SHA256)


def test_a_full_disk(server, tmp_path, monkeypatch):
    def full(url, file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_get", full)
    with pytest.raises(DownloadError, match="No space left on device.*Set DLIM_HOME"):
        fetch("set/file", [f"{server.url}/ok/file"], SHA256)
    assert left(tmp_path) == []


def test_the_cache_is_enough_when_everything_else_is_gone(server, tmp_path, monkeypatch):
    fetch("set/file", [f"{server.url}/ok/file"], SHA256)
    monkeypatch.setattr(download, "_get", None)
    assert fetch("set/file", [DEAD], SHA256).read_bytes() == CONTENT


def test_dlim_mirror_as_a_folder_and_as_a_url(server, tmp_path, monkeypatch):
    (tmp_path / "usb stick" / "set").mkdir(parents=True)
    (tmp_path / "usb stick" / "set" / "file").write_bytes(CONTENT)
    for mirror in (str(tmp_path / "usb stick"), f"{server.url}/ok", f"{server.url}/ok/"):
        monkeypatch.setenv("DLIM_MIRROR", mirror)
        monkeypatch.setenv("DLIM_HOME", str(tmp_path / "home" / str(hash(mirror))))
        assert fetch("set/file", [DEAD], SHA256).read_bytes() == CONTENT
    assert [path for path, _ in server.asked] == ["/ok/set/file"] * 2


def test_a_mirror_that_lacks_the_file_is_said_aloud(server, tmp_path, monkeypatch):
    monkeypatch.setenv("DLIM_MIRROR", str(tmp_path / "empty"))
    with pytest.warns(UserWarning, match="DLIM_MIRROR can't help, .*empty/set/file: No such file"):
        assert fetch("set/file", [f"{server.url}/ok/file"], SHA256).read_bytes() == CONTENT

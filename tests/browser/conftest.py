"""One JupyterLab and one headless Chromium for all browser tests."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def chromium():
    """Where Chromium or Chrome is installed; None when it isn't."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def save_notebook(path, cells):
    """Write a notebook of these cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@contextmanager
def chrome(path):
    """A page context of the browser at path."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser.new_context(viewport={"width": 1400, "height": 1000})
        browser.close()


@contextmanager
def jupyterlab(root, scratch):
    """A running JupyterLab that serves the folder root and writes only to scratch: its address."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    folders += ("DLIM_HOME",)  # the same notebooks may be at work elsewhere meanwhile
    env = {**os.environ, **{name: str(scratch / name) for name in folders}, "DLIM_PROFILE": "smoke"}
    here = str(Path(__file__).parents[2])
    env["PYTHONPATH"] = os.pathsep.join([here, *filter(None, [env.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token="]
    command += ["--ServerApp.password=", f"--ServerApp.root_dir={root}", "--LabApp.news_url="]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--LabApp.extension_manager=readonly"]
    with open(scratch / "lab.log", "w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT, cwd=root)
    address, deadline = f"http://127.0.0.1:{port}", time.time() + 120
    try:
        while True:
            try:
                urllib.request.urlopen(address + "/api/status", timeout=2)
                break
            except OSError:
                text = (scratch / "lab.log").read_text()[-2000:]
                assert server.poll() is None and time.time() < deadline, f"JupyterLab did not start:\n{text}"
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="session")
def browser():
    """A Chromium page context; skipped without a browser on a reader's machine, failing so under CI."""
    path = chromium()
    reason = "no Chromium or Chrome found: install one to test the notebooks in a real browser"
    if not path:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with chrome(path) as context:
        yield context


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running JupyterLab: its address and the folder it serves."""
    root = tmp_path_factory.mktemp("lab")
    with jupyterlab(root, tmp_path_factory.mktemp("jupyter")) as address:
        yield address, root

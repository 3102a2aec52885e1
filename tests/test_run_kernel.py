"""Run in a real kernel: real interrupts, and what a notebook stores."""

import os
import sys
import time
from pathlib import Path

import nbformat
import pytest
import torch
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

pytestmark = pytest.mark.slow
ROOT = str(Path(__file__).resolve().parents[1])
SETUP = """
import signal, time, torch, dlimlib as dl
torch.set_num_threads(1)
net = torch.nn.Linear(2, 1)
before = signal.getsignal(signal.SIGINT)
x = torch.ones(4, 2)

def loop(name, steps, body, **options):
    run = dl.Run(name, iter(lambda: x, None), steps=steps, net=net, **options)
    for pictures in run:
        run.log(loss=net(pictures).square().mean())
        body(run)
    return run
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def kernel(home):
    """A kernel of this Python at the cpu profile, and its client."""
    manager = KernelManager()
    environment = os.environ | {"DLIM_HOME": str(home), "DLIM_PROFILE": "cpu", "PYTHONPATH": ROOT}
    environment.pop("DLIM_RECORDING", None)
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(env=environment)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        assert execute(client, SETUP)["status"] == "ok"
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def execute(client, code, on_text=None, timeout=60):
    """Run a cell; `on_text(so far)` is called when it prints. Returns the reply, "printed" and "shown"."""
    printed, shown = [], []

    def hook(message):
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "stream":
            printed.append(content["text"])
            if on_text:
                on_text("".join(printed))
        elif kind in ("display_data", "update_display_data"):
            shown.append((kind, content["transient"]["display_id"], content["data"]))

    reply = client.execute_interactive(code, output_hook=hook, timeout=timeout, stop_on_error=False)
    return reply["content"] | {"printed": "".join(printed), "shown": shown}


def at(words, do):
    """A listener that calls `do` once, when the words are printed."""
    done = set()

    def listen(text):
        for word in words:
            if word in text and word not in done:
                done.add(word)
                do()

    return listen


def test_the_stop_button_ends_the_loop_saves_and_lets_the_next_cells_run(kernel, home):
    manager, client = kernel
    cell = """
def body(run):
    time.sleep(0.01)
    if run.step == 3:
        print("the loop is running", flush=True)

run = loop("stopped", 10**6, body)
print("after the loop")
"""

    def stop():
        client.execute("queued = 'ran'")  # the next cell waits already, as after "Run all"
        manager.interrupt_kernel()

    reply = execute(client, cell, at(["the loop is running"], stop))
    assert reply["status"] == "ok"
    assert "after the loop" in reply["printed"] and "stopped: interrupted after step" in reply["printed"]

    after = "print(queued, run.step, len(run.history['loss'][0]), signal.getsignal(signal.SIGINT) is before)"
    reply = execute(client, after)
    queued, step, logged, restored = reply["printed"].split()
    assert queued == "ran" and restored == "True" and logged == step and 3 < int(step) < 10**6
    state = torch.load(home / "runs" / "stopped" / "cpu" / "checkpoint.pt", weights_only=True)
    assert state["step"] == int(step) and state["parts"]["net"]["weight"].shape == (1, 2)


def test_a_second_interrupt_raises_at_once(kernel):
    manager, client = kernel
    cell = """
def body(run):
    print("in a long step", flush=True)
    while not run._interrupts:
        time.sleep(0.01)
    print("the first was heard", flush=True)
    time.sleep(100)

loop("stopped_twice", 10**6, body)
"""
    begin = time.monotonic()
    reply = execute(client, cell, at(["in a long step", "the first was heard"], manager.interrupt_kernel))
    assert reply["status"] == "error" and reply["ename"] == "KeyboardInterrupt"
    assert time.monotonic() - begin < 90
    assert execute(client, "assert signal.getsignal(signal.SIGINT) is before")["status"] == "ok"


def test_an_interrupted_recording_stops_the_notebook(kernel):
    manager, client = kernel
    cell = """
import json, os, tempfile
told = {"mode": "record", "name": "x", "folder": "x", "runs": tempfile.mkdtemp()}
os.environ["DLIM_RECORDING"] = json.dumps(told)
def body(run):
    time.sleep(0.01)
    if run.step == 3:
        print("recording", flush=True)
try:
    loop("recorded", 10**6, body)
finally:
    del os.environ["DLIM_RECORDING"]
"""
    reply = execute(client, cell, at(["recording"], manager.interrupt_kernel))
    assert reply["status"] == "error" and reply["ename"] == "Interrupted"


def test_the_display_is_one_bar_and_one_figure_redrawn(kernel):
    _, client = kernel
    cell = """
def body(run):
    time.sleep(0.0003)

run = loop("shown", 5000, body, preview=lambda: torch.zeros(2, 3, 8, 8))
"""
    shown = execute(client, cell)["shown"]
    bar, figure = (key for kind, key, _ in shown if kind == "display_data")
    pictures = [data["image/png"] for _, key, data in shown if key == figure]
    bars = [data["text/html"] for _, key, data in shown if key == bar]
    assert len(pictures) >= 2 and len(pictures) + len(bars) == len(shown) < 100
    assert "<progress" in bars[0] and " left" in bars[0] and "shown: 5000 steps in" in bars[-1]


def test_a_quiet_run_shows_its_bar_alone(kernel):
    _, client = kernel
    reply = execute(client, 'loop("still", 30, lambda run: None, quiet=True).step')
    assert reply["status"] == "ok" and len({id for _, id, _ in reply["shown"]}) == 1
    assert "30 steps" in reply["shown"][-1][2]["text/plain"] and "image/png" not in reply["shown"][-1][2]


def test_a_stored_notebook_keeps_the_last_state_as_a_still_picture(home, monkeypatch):
    monkeypatch.setenv("DLIM_HOME", str(home))
    monkeypatch.setenv("DLIM_PROFILE", "cpu")
    train = 'run = loop("stored", 30, lambda run: None, preview=lambda: torch.zeros(2, 3, 8, 8))'
    cells = [nbformat.v4.new_code_cell(code) for code in (SETUP, train)]
    here = {"metadata": {"path": ROOT}}
    notebook = NotebookClient(nbformat.v4.new_notebook(cells=cells), timeout=60, resources=here).execute()
    bar, figure = notebook.cells[1].outputs
    assert "stored: 30 steps in" in bar["data"]["text/html"]
    assert figure["data"]["image/png"].startswith("iVBOR") and "text/plain" in figure["data"]

"""The process in which cells run: it is started, fed and read here, and its messages are capped."""

import json
import os
import queue
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MAX_LINE, MAX_CELL, MAX_TEXT = 4 << 20, 32 << 20, 20_000  # bytes: a message, a cell's messages, printed text
MAX_SOURCE = 60_000  # so that it fits into a pipe and writing it never waits
MAX_PROBES, RESTARTS = 1000, 3


def launch(folder):
    """Start child.py in a plain process in `folder`: without a sandbox, so for our own code only."""
    root = str(Path(__file__).parents[3])
    env = {**os.environ, "DLIM_PROFILE": "smoke", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [root, env.get("PYTHONPATH")]))
    argv = [sys.executable, str(Path(__file__).with_name("child.py"))]
    pipe = subprocess.PIPE
    new_group = os.name == "posix"
    return subprocess.Popen(
        argv, cwd=folder, env=env, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=new_group
    )  # fmt: skip


class Child:
    """One such process: its messages are read by a thread, capped, and sorted by cell."""

    def __init__(self, folder, launch=launch):
        self.process = launch(folder)
        self.messages = queue.Queue(maxsize=100)  # bounded, so that a flood waits in the pipe
        self.received, self.text = 0, bytearray()
        self.closed = False
        for read in (self._read_messages, self._read_text):
            threading.Thread(target=read, daemon=True).start()
        if fatal := self._collect("ready", 60)["fatal"]:
            self.close()
            raise RuntimeError(f"the process for the cells does not start: {fatal}\n{self.text.decode()}")

    def close(self):
        """End the process and all that it started in its group."""
        self.closed = True
        if os.name == "posix":
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def run(self, source, seed, seconds):
        """Run a cell; returns {records, error: None or [name, text], fatal: None or a sentence, text}."""
        token = secrets.token_hex(8)
        self.received = 0
        self.text.clear()
        job = json.dumps({"source": source, "seed": seed, "token": token})
        if len(job) > MAX_SOURCE:
            return {"records": [], "error": None, "fatal": "the cell is too long", "text": ""}
        try:
            self.process.stdin.write(job.encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            return {"records": [], "error": None, "fatal": "the Python process has ended", "text": ""}
        return self._collect(token, seconds)

    def _collect(self, token, seconds):
        result = {"records": [], "error": None, "fatal": None, "text": ""}
        end = time.monotonic() + seconds
        while result["fatal"] is None:
            try:
                message = self.messages.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                result["fatal"] = f"stopped after {seconds} s (an infinite loop?)"
                break
            if isinstance(message, str):
                result["fatal"] = message
            elif message.get("token") != token:
                continue  # late words of another cell
            elif "probe" in message:
                result["records"].append(message)
                if len(result["records"]) > MAX_PROBES:
                    result["fatal"] = "the code returned too much data"
            elif "done" in message:
                error = message.get("error")
                if isinstance(error, list) and len(error) == 2:
                    result["error"] = [str(part)[:2000] for part in error]
                break
        result["text"] = bytes(self.text).decode(errors="replace")
        return result

    def _read_messages(self):
        """Hand on each line that is a JSON object; a text means that nothing more will come."""
        buffer = b""
        with self.process.stdout as pipe:
            while data := self._read(pipe):
                *lines, buffer = (buffer + data).split(b"\n") if b"\n" in data else [buffer + data]
                self.received += len(data)
                if len(buffer) > MAX_LINE or self.received > MAX_CELL:
                    return self._put("the code returned too much data")
                for line in lines:
                    try:
                        message = json.loads(line)
                    except (ValueError, RecursionError):
                        continue  # not from us
                    if isinstance(message, dict):
                        self._put(message)
        self._put("the code ended the Python process (os._exit, a crash, or too much memory)")

    def _read_text(self):
        with self.process.stderr as pipe:
            while data := self._read(pipe):
                self.text += data[: max(0, MAX_TEXT - len(self.text))]

    def _read(self, pipe):
        try:
            return pipe.read1(1 << 16)
        except (OSError, ValueError):
            return b""

    def _put(self, item):
        while not self.closed:
            try:
                return self.messages.put(item, timeout=0.5)
            except queue.Full:
                continue


def run_cells(cells, seed, seconds, launch=launch):
    """Run [(key, source)]; returns {key: result}. What kills the process is left out, the rest runs anew."""
    fatal = {}
    for _ in range(RESTARTS + 1):
        results = {}
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            child = Child(folder, launch)
            try:
                for key, source in cells:
                    results[key] = fatal.get(key) or child.run(source, seed, seconds)
                    if results[key]["fatal"] and key not in fatal:
                        fatal[key] = results[key]
                        break
                else:
                    return results
            finally:
                child.close()
    return results

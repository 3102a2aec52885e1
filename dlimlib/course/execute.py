"""Execute a notebook in a kernel of its own, without a browser."""

import asyncio
import re
import signal
import sys
import time
from copy import deepcopy

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from . import notebook as nbs

INTERRUPTS = ("Interrupted", "KeyboardInterrupt")  # the first is raised by a Run that is recorded


class Stopped(Exception):
    """The execution ended before the last cell; the text says why."""


class Client(NotebookClient):
    """nbclient, which can also show what the cells print."""

    verbose = False

    def process_message(self, msg, cell, cell_index):
        if self.verbose and msg["msg_type"] == "stream":
            print(msg["content"]["text"], end="", flush=True)
        return super().process_message(msg, cell, cell_index)


def execute(nb, folder, env, verbose=False, before=None, after=None, careful=False, instead=None):
    """Execute the cells of nb (changed in place) in a new kernel; returns nb, or raises Stopped.

    before(index) is called before each cell, and after(index, whole) after each, also one that failed
    (whole=False). careful: after Ctrl-C no further cell is executed; otherwise it interrupts the cell alone,
    as the stop button does.
    instead: {index: code} of cells that keep the outputs they have; this code is executed in their place.
    """
    return asyncio.run(_execute(nb, folder, env, verbose, before, after, careful, instead or {}))


async def _execute(nb, folder, env, verbose, before, after, careful, instead):
    client = Client(
        nb, timeout=None, iopub_timeout=60, resources={"metadata": {"path": str(folder)}},
        kernel_name="python3", store_widget_state=False, coalesce_streams=True,
    )  # fmt: skip
    client.verbose = verbose
    # whatever kernels the user has registered under this name: this interpreter
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and index not in instead:
            cell.outputs, cell.execution_count = [], None
    cells, names = nbs.code(nb), nbs.sections(nb)
    async with client.async_setup_kernel(env=env):
        interrupts = _forward_interrupts(client)
        for number, (index, cell) in enumerate(cells, 1):
            title = f"{names[index][:40]} · {cell.id}"
            print(f"  [{number:>3}/{len(cells)}] {title[:60]:<60}", end="\n" if verbose else " ", flush=True)
            begin, whole = time.monotonic(), False
            if before:
                before(index)
            try:
                if index not in instead:
                    await client.async_execute_cell(cell, index, execution_count=number)
                elif instead[index]:
                    aside = nbformat.v4.new_code_cell(instead[index], metadata=deepcopy(cell.metadata))
                    await client.async_execute_cell(aside, index, execution_count=number)
                    nb.cells[index] = cell  # nbclient has put the other one there
                whole = True
            except CellExecutionError as error:
                print("stopped" if error.ename in INTERRUPTS else "ERROR", flush=True)
                raise Stopped(explain(error, title)) from None
            except DeadKernelError:
                print("ERROR", flush=True)
                raise Stopped(f"The kernel died in {title}: killed, or out of memory.") from None
            finally:
                if after:
                    after(index, whole)
            _number(cell, number)
            print(f"{time.monotonic() - begin:6.1f} s", flush=True)
            if careful and interrupts:
                raise Stopped(f"Interrupted in {title}.")
    return nb


def _number(cell, number):
    """Count the cells of the notebook, not those that the kernel has executed."""
    cell.execution_count = number
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = number


def explain(error, title):
    """Say in which cell what went wrong, with the traceback; an interrupt is only a sentence."""
    if error.ename in INTERRUPTS:
        return f"Interrupted in {title}. {error.evalue}".rstrip()
    return f"Error in {title}.\n" + re.sub(r"\x1b\[[\d;]*m", "", error.traceback)


def _forward_interrupts(client):
    """Let Ctrl-C and SIGTERM interrupt the kernel, not us (a third one ends it); returns the list of them."""
    loop, received = asyncio.get_running_loop(), []

    def interrupt():
        received.append(time.monotonic())
        kernel = client.km
        work = kernel.interrupt_kernel() if len(received) < 3 else kernel.shutdown_kernel(now=True)
        if work is not None:
            client.interrupting = asyncio.ensure_future(work)  # kept, since the loop holds tasks only weakly

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.remove_signal_handler(number)  # nbclient's own would kill the kernel
        except RuntimeError:  # Windows, where loops handle no signals
            pass
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(interrupt))
    return received

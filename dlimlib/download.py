"""Files from the internet or a classroom's mirror, checked by their SHA-256 before they get their name."""

import gzip
import os
import shutil
import tempfile
import time
import warnings
import zlib
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm
from urllib3.exceptions import HTTPError, ProtocolError

from .settings import home

TRIES = 3  # how often a connection that was cut is taken up again
TIMEOUT = 6, 15  # seconds to wait for a connection, and for the next bytes
PATIENCE, SLOWEST = 20, 2_000  # after so many seconds give up servers slower than so many bytes a second


class DownloadError(RuntimeError):
    """No address had the file; the message lists what went wrong where, and what to do."""


def fetch(name, urls, sha256, *, unzip=False):
    """Path of the file in the cache, downloaded from the first of the urls that has the right bytes.

    $DLIM_MIRROR, a folder or a URL under which the file lies as name, is asked first. unzip=True keeps the
    file uncompressed, and sha256 is then that of its content. Raises DownloadError.
    """
    path = home() / "data" / (name.removesuffix(".gz") if unzip else name)
    mirror, failed = os.environ.get("DLIM_MIRROR"), []
    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough
    for url in ([f"{mirror.rstrip('/')}/{name}"] if mirror else []) + urls:
        try:
            pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=_downloader(unzip))
        except requests.RequestException as e:
            reason = _short(e) if e.response is None else f"the server answers {e.response.status_code}"
        except _Damaged as e:
            reason = str(e)
        except ValueError:  # how pooch reports another hash
            reason = "has other content, its SHA-256 is wrong"
        except OSError as e:
            raise DownloadError(
                f"{name} can't be kept in {path.parent} ({e.strerror or e}). Set DLIM_HOME to a folder "
                f"where there is space and you may write. {_offline(name)}"
            ) from e
        else:
            return path
        failed.append(f"{url}: {reason}")
        if mirror and len(failed) == 1:
            warnings.warn(f"DLIM_MIRROR can't help, {failed[0]}; trying the internet", stacklevel=2)
    raise DownloadError(
        "\n  ".join([f"could not get {name}:", *failed])
        + "\nCheck the connection and run this again, or set DLIM_MIRROR to a folder or URL under which "
        + f"{name} lies. {_offline(name)}"
    )


def _offline(name):
    return f'The data set "{"toy-digits" if "mnist" in name else "toy-faces"}" works offline.'


def _short(e):
    """The innermost cause, which requests and urllib3 write last."""
    return str(e).split("Caused by ")[-1].rsplit(": ", 1)[-1].strip("()'\"")[:120]


class _Damaged(ValueError):
    """What came is no whole file, or none came."""


def _downloader(unzip):
    """What pooch calls with a source and the path of the temporary file to write."""

    def download(url, path, _):
        with open(path, "w+b") if not unzip else tempfile.TemporaryFile() as file:
            if url.startswith(("http://", "https://")):
                _get(url, file)
            else:
                try:
                    source = Path(url).expanduser().open("rb")
                except OSError as e:
                    raise _Damaged(e.strerror or str(e)) from None
                with source:
                    shutil.copyfileobj(source, file)
            if unzip:
                file.seek(0)
                try:
                    with gzip.open(file) as content, open(path, "wb") as out:
                        shutil.copyfileobj(content, out)
                except (EOFError, gzip.BadGzipFile, zlib.error) as e:
                    raise _Damaged(f"is cut off or damaged, {e}") from None
        os.chmod(path, 0o644)  # a teacher may fill a cache for everybody

    return download


def _get(url, file):
    """Write what url holds to the open file; where a connection was cut the next one goes on."""
    for rest in reversed(range(TRIES)):
        try:
            if _stream(url, file):
                return
            problem = "the connection was cut"
        except (requests.ConnectionError, requests.Timeout, HTTPError) as e:
            problem = "the connection was cut" if isinstance(e, ProtocolError) else _short(e)
        if not rest or not file.tell():  # a server that gives nothing at all won't mend
            raise requests.ConnectionError(problem)


def _stream(url, file):
    """One connection's share of url, from where the file ends; True when the file is whole."""
    at = file.tell()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={at}-"} if at else {})
    with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as answer:
        answer.raise_for_status()
        if answer.status_code != 206:  # the server begins again, and so does the file
            at = file.seek(0)
            file.truncate()
        size = at + int(answer.headers.get("Content-Length", 0))
        # read1 returns what there is, so that a trickle is noticed; urllib3 1 has only read
        read = getattr(answer.raw, "read1", None) or (lambda n: answer.raw.read(1024))
        bar = tqdm(total=size or None, initial=at, desc=url.rsplit("/", 1)[-1], unit="B", unit_scale=True)
        with bar:
            begun = time.monotonic()
            while block := read(1 << 16):
                file.write(block)
                bar.update(len(block))
                seconds = time.monotonic() - begun
                if seconds > PATIENCE and file.tell() - at < SLOWEST * seconds:
                    raise requests.RequestException(f"slower than {SLOWEST} bytes a second")
        return file.tell() == size or size == at

"""Files from the internet or a classroom's mirror, checked by their SHA-256 before they get their name."""

import gzip
import os
import shutil
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


def fetch(name: str, urls: list[str], sha256: str, *, unzip: bool = False) -> Path:
    """Return the path of the file in the cache, downloaded from the first of the urls with the right bytes.

    $DLIM_MIRROR, a folder or a URL under which the file lies as name, is asked first. unzip=True keeps the
    file uncompressed, and sha256 is then that of its content. Raises DownloadError.
    """
    path = home() / "data" / (name.removesuffix(".gz") if unzip else name)
    mirror, failed = os.environ.get("DLIM_MIRROR"), []
    offline = f'The data set "{"toy-digits" if "mnist" in name else "toy-faces"}" works offline.'
    pooch.get_logger().setLevel("WARNING")  # the progress bar says enough

    def download(url, temporary, _):  # as pooch calls it
        with open(temporary, "w+b") as file:
            _get(url, file)
        if unzip:
            Path(temporary).write_bytes(gzip.decompress(Path(temporary).read_bytes()))
        os.chmod(temporary, 0o644)  # a teacher may fill a cache for everybody

    for url in ([f"{mirror.rstrip('/')}/{name}"] if mirror else []) + urls:
        try:
            pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=download)
            return path
        except ProtocolError:
            reason = "the connection was cut"
        except (requests.RequestException, HTTPError) as e:  # they write their innermost cause last
            reason = str(e).split("Caused by ")[-1].rsplit(": ", 1)[-1].strip("()'\"")[:120]
        except (EOFError, gzip.BadGzipFile, zlib.error) as e:
            reason = f"is cut off or damaged, {e}"
        except ValueError:  # how pooch reports another hash
            reason = "has other content, its SHA-256 is wrong"
        except OSError as e:
            raise DownloadError(
                f"{name} can't be kept in {path.parent} ({e.strerror or e}). Set DLIM_HOME to a folder "
                f"where there is space and you may write. {offline}"
            ) from e
        failed.append(f"{url}: {reason}")
        if mirror and len(failed) == 1:
            warnings.warn(f"DLIM_MIRROR can't help, {failed[0]}; trying the internet", stacklevel=2)
    raise DownloadError(
        "\n  ".join([f"could not get {name}:", *failed])
        + "\nCheck the connection and run this again, or set DLIM_MIRROR to a folder or URL under which "
        + f"{name} lies. {offline}"
    )


def _get(url, file):
    """Write what url, or the file at that path, holds to the open file; go on where a connection was cut."""
    if "://" not in url:
        try:
            source = Path(url).expanduser().open("rb")
        except OSError as e:
            raise requests.RequestException(e.strerror) from None
        with source:
            return shutil.copyfileobj(source, file)
    for left in reversed(range(TRIES)):
        try:
            return _stream(url, file)
        except (requests.ConnectionError, HTTPError):
            if not left or not file.tell():  # a server that gives nothing at all won't mend
                raise


def _stream(url, file):
    """Write one connection's share of url, from where the file ends."""
    at, begun = file.tell(), time.monotonic()
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={at}-"} if at else {})
    with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as answer:
        if not answer.ok:
            raise requests.RequestException(f"the server answers {answer.status_code}")
        if answer.status_code != 206:  # the server begins again, and so does the file
            at = file.seek(0)
            file.truncate()
        size = at + int(answer.headers.get("Content-Length", 0))
        read = getattr(answer.raw, "read1", answer.raw.read)  # read1, of urllib3 2, notices a trickle
        with tqdm(total=size or None, initial=at, desc=Path(url).name, unit="B", unit_scale=True) as bar:
            while block := read(1 << 16):
                bar.update(file.write(block))
                seconds = time.monotonic() - begun
                if seconds > PATIENCE and file.tell() - at < SLOWEST * seconds:
                    raise requests.RequestException(f"slower than {SLOWEST} bytes a second")

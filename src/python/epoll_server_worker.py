"""Runs a WSGI application (PEP 3333) for epoll-server. The server starts this file as a process, several times.

The process inherits a listening Unix domain socket that all workers share, and accepts one request when it is free. A
request is a packet of variables in the protocol of uWSGI, with its content behind it; the server has received it
completely before it connects. The response is HTTP/1.1, and the connection closes behind it. Content of an unknown
length is sent in chunks, so that the server can tell the end of a response from the end of this process.

Only the standard library is used, of Python 3.8 and later. Heavy modules are not imported: the time to the first
response is that of the application.
"""

from __future__ import annotations

import faulthandler
import importlib
import io
import json
import mmap
import os
import re
import select
import signal
import stat
import sys
import threading
import traceback
from socket import SHUT_WR, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import FrameType, ModuleType, TracebackType
    from typing import Any

    Environ = dict[str, Any]
    ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
    Headers = list[tuple[str, str]]
    Write = Callable[[bytes], None]
    Application = Callable[..., Any]

__all__ = ["main"]

# Older versions are no longer maintained. Some of them would run this file.
MIN_VERSION = (3, 8)

# The size of one receive. A request without content fits into one.
RECEIVE_BYTES = 65_536

# The pieces of a list are sent together up to this size: a copy of them costs less than a call for each.
JOIN_BYTES = 1_048_576

# The descriptor of the server's log.
STDERR = 2

# The header of a packet: modifier1, the size of the variables (little endian), modifier2.
PACKET_HEADER_BYTES = 4

# RFC 9110 section 5.6.2.
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")

# RFC 9110 section 5.5: visible characters, spaces, tabs, and bytes beyond ASCII.
FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*\Z")

# PEP 3333: "999 Message here". Only the server sends interim responses (1xx).
STATUS = re.compile(r"[2-5][0-9][0-9] [\t\x20-\x7e\x80-\xff]*\Z")

DIGITS = re.compile(r"[0-9]{1,18}\Z")

# RFC 2616 section 13.5.1, which PEP 3333 refers to: an application must not send them.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    )
)

# Fields with this prefix are between the server and this file.
PRIVATE_PREFIX = "x-epoll-server-"

# The names of the application in its module, in the order in which they are tried.
USUAL_NAMES = ("application", "app")

# The same in a module of a dynamic folder.
DYNAMIC_NAMES = ("application", "main")

# How browsers understand these labels (WHATWG Encoding section 4.2).
CODECS = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "us-ascii": "cp1252"}

CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s;"']+)""", re.IGNORECASE)


class CutRequest(Exception):
    """The server closed the connection before the request was complete, or sent no packet of uWSGI."""


class ClientGone(OSError):
    """The response can no longer be sent."""


class BrokenApplication(Exception):
    """The application breaks PEP 3333. The text says how."""


class LoadError(Exception):
    """The application cannot be loaded. ``reason`` says why in one word, ``details`` has what the server reports."""

    def __init__(self, reason: str, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.details = list(details)


# ---------------------------------------------------------------------------------------------------------------------
# The request


def parse_variables(block: bytes) -> dict[str, str]:
    """Returns the variables of a packet: pairs of a length (16 bits, little endian) and that many bytes.

    :raises CutRequest: a length leads beyond the block, or a name is empty or there twice.
    """
    text = block.decode("latin-1")
    size = len(block)
    variables: dict[str, str] = {}
    at = 0
    while at < size:
        name_at = at + 2
        if name_at > size:
            raise CutRequest("the length of a name is incomplete")
        value_length_at = name_at + (block[at] | block[at + 1] << 8)
        value_at = value_length_at + 2
        if value_at > size:
            raise CutRequest("a name is longer than its packet")
        at = value_at + (block[value_length_at] | block[value_length_at + 1] << 8)
        if at > size:
            raise CutRequest("a value is longer than its packet")
        name = text[name_at:value_length_at]
        if name == "" or name in variables:
            raise CutRequest("a name is empty or repeated")
        variables[name] = text[value_at:at]
    return variables


def read_packet(connection: socket) -> tuple[dict[str, str], bytes]:
    """Receives a packet; returns its variables, and the bytes that were received behind it.

    :raises CutRequest: the connection ended before, or this is no request of uWSGI.
    """
    data = connection.recv(RECEIVE_BYTES)
    while len(data) < PACKET_HEADER_BYTES:
        data += receive(connection)
    if data[0] != 0 or data[3] != 0:
        raise CutRequest("this is no request for an application")
    end = PACKET_HEADER_BYTES + (data[1] | data[2] << 8)
    while len(data) < end:
        data += receive(connection)
    return parse_variables(data[PACKET_HEADER_BYTES:end]), data[end:]


def receive(connection: socket) -> bytes:
    """Receives some bytes. :raises CutRequest: there are no more."""
    data = connection.recv(RECEIVE_BYTES)
    if not data:
        raise CutRequest("the connection was closed")
    return data


class Content(io.RawIOBase):
    """The content of a request: exactly its length, first from what was received, then from the connection."""

    def __init__(self, connection: socket, received: bytes, length: int, watch: Watch) -> None:
        super().__init__()
        self._connection = connection
        self._watch = watch
        self._received = memoryview(received)[:length]
        #: How many bytes were not received.
        self.unread = length - len(self._received)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        received = self._received
        if received:
            count = min(len(buffer), len(received))
            buffer[:count] = received[:count]
            self._received = received[count:]
            return count
        if self.unread == 0:
            return 0
        with self._watch:
            count = self._connection.recv_into(buffer, min(len(buffer), self.unread))
        if count == 0:
            raise ClientGone("the connection was closed before the content of the request was complete")
        self.unread -= count
        return count


def content_length_of(variables: dict[str, str]) -> int:
    """Returns CONTENT_LENGTH; without one there is no content, since chunks were joined by the server."""
    text = variables.get("CONTENT_LENGTH", "")
    if text == "":
        return 0
    if DIGITS.match(text) is None:
        raise CutRequest("CONTENT_LENGTH is no number")
    return int(text)


# ---------------------------------------------------------------------------------------------------------------------
# The response


class FileWrapper:
    """``wsgi.file_wrapper``. A real file is sent by the server; anything else is read in blocks."""

    def __init__(self, filelike: Any, blksize: int = 65_536) -> None:
        self.filelike = filelike
        self.blksize = blksize
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        data = self.filelike.read(self.blksize)
        if data:
            return data  # type: ignore[no-any-return]
        raise StopIteration


def file_behind(filelike: Any) -> tuple[bytes, int, int] | None:
    """Returns path, position and remaining length of an open file; None: the server could not open the same one.

    Other classes have a ``fileno()`` too whose bytes are not what ``read()`` returns, as gzip.GzipFile.
    """
    # tempfile.NamedTemporaryFile wraps one.
    filelike = getattr(filelike, "file", filelike)
    if type(filelike) not in (io.BufferedReader, io.BufferedRandom, io.FileIO):
        return None
    if type(filelike) is not io.FileIO and type(filelike.raw) is not io.FileIO:
        return None
    try:
        filelike.flush()
        descriptor = filelike.fileno()
        here = os.fstat(descriptor)
        # Files of /proc say that they are empty.
        if not stat.S_ISREG(here.st_mode) or here.st_size == 0:
            return None
        link = b"/proc/self/fd/%d" % descriptor
        path = os.readlink(link) if os.path.exists(link) else os.path.realpath(os.fsencode(filelike.name))
        there = os.stat(path)
        if (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino):
            return None
        # The server decodes the path as UTF-8.
        path.decode("utf-8")
        position = filelike.tell()
        return path, position, max(here.st_size - position, 0)
    except (OSError, ValueError, TypeError):
        return None


def percent_encoded(path: bytes) -> str:
    """The bytes of a path as a field value without separators."""
    return "".join(
        chr(byte)
        if 0x30 <= byte <= 0x39 or 0x41 <= byte <= 0x5A or 0x61 <= byte <= 0x7A or byte in b"/._-"
        else "%%%02X" % byte
        for byte in path
    )


def checked_headers(headers: Any) -> Headers:
    """Returns a copy of ``headers``, without blanks around values. :raises BrokenApplication: they break PEP 3333."""
    if not isinstance(headers, list):
        raise BrokenApplication(f"start_response got headers of the type {type(headers).__name__}, not a list")
    checked: Headers = []
    lengths = 0
    for header in headers:
        if not isinstance(header, tuple) or len(header) != 2:
            raise BrokenApplication(f"the header {header!r} is not a tuple of two strings")
        name, value = header
        if not isinstance(name, str) or not isinstance(value, str):
            raise BrokenApplication(f"the header {header!r} is not a tuple of two strings")
        if TOKEN.match(name) is None:
            raise BrokenApplication(f"the header name {name!r} is not a token")
        value = value.strip(" \t")
        if FIELD_VALUE.match(value) is None:
            raise BrokenApplication(
                f"the header {name} has the value {value!r}, with a character that is not Latin-1 text"
            )
        lower = name.lower()
        if lower in HOP_BY_HOP:
            raise BrokenApplication(f"the header {name} is hop-by-hop, which is the server's alone")
        if lower.startswith(PRIVATE_PREFIX):
            raise BrokenApplication(f"the header {name} is the server's alone")
        if lower == "content-length":
            lengths += 1
            if lengths > 1 or DIGITS.match(value) is None:
                raise BrokenApplication(f"the header Content-Length has the value {value!r}, or is there twice")
        checked.append((name, value))
    return checked


class Response:
    """The response to one request: what start_response got, and what was sent of it."""

    def __init__(self, connection: socket, method: str, watch: Watch) -> None:
        self._connection = connection
        self._watch = watch
        self._is_head = method == "HEAD"
        self._status: str | None = None
        self._headers: Headers = []
        #: The bytes of content that may still be sent; None: the length is unknown.
        self._left: int | None = None
        self._is_chunked = False
        #: Whether there was more content than Content-Length says.
        self._is_exceeded = False
        #: How the application broke PEP 3333 inside start_response, where it may have caught the exception.
        self._broken: BrokenApplication | None = None
        #: Whether the head was sent.
        self.is_begun = False

    def start_response(self, status: Any, headers: Any, exc_info: ExcInfo | None = None) -> Write:
        """The function of PEP 3333."""
        replaces = exc_info is not None
        if exc_info is not None:
            try:
                if self.is_begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                # The traceback has this frame: without this the cycle would keep both.
                exc_info = None
        try:
            self._start(status, headers, replaces)
        except BrokenApplication as error:
            self._broken = error
            raise
        return self.write

    def _start(self, status: Any, headers: Any, replaces: bool) -> None:
        if self._status is not None and not replaces:
            raise BrokenApplication("start_response was called twice without exc_info")
        if not isinstance(status, str) or STATUS.match(status) is None:
            raise BrokenApplication(f"the status is {status!r}, not a string such as '200 OK'")
        self._headers = checked_headers(headers)
        self._status = status

    @property
    def charset(self) -> str:
        """The codec of the content, as Content-Type names it; UTF-8 if it names none that Python knows."""
        found = CHARSET.search(self._header("content-type"))
        if found is None:
            return "utf-8"
        name = found.group(1).lower()
        try:
            "".encode(CODECS.get(name, name))
        except LookupError:
            return "utf-8"
        return CODECS.get(name, name)

    def default_content_type(self, value: str) -> None:
        """Sets Content-Type if the application has not."""
        if not self.is_begun and self._header("content-type") == "":
            self._headers.append(("Content-Type", value))

    @property
    def has_content(self) -> bool:
        """Whether content follows the head (RFC 9110 section 6.4.1)."""
        return not self._is_head and (self._status or "")[:3] not in ("204", "304")

    @property
    def is_full(self) -> bool:
        """Whether content that follows is dropped."""
        return self._is_exceeded or (self.is_begun and not self.has_content)

    def write(self, data: Any) -> None:
        """The function that start_response returns: sends ``data`` at once."""
        self.check_data(data, "write() got")
        self.send(data)

    def check_data(self, data: Any, what: str) -> None:
        """:raises BrokenApplication: ``data`` is not bytes, or start_response was not called."""
        if self._broken is not None:
            raise self._broken
        # The length of another memoryview is not that of its bytes.
        if not isinstance(data, (bytes, bytearray)) and not (isinstance(data, memoryview) and data.nbytes == len(data)):
            raise BrokenApplication(f"{what} {type(data).__name__}, not bytes")
        if self._status is None:
            raise BrokenApplication("start_response was not called before the first bytes")

    def send(self, data: bytes | memoryview, whole: int | None = None) -> None:
        """Sends a piece of content. ``whole``: the length of all content, if the application has not said it."""
        if not data or self._is_exceeded:
            return
        head = b"" if self.is_begun else self._head(whole)
        left = self._left
        if left is not None and len(data) > left:
            if head:
                raise BrokenApplication(f"it returned {len(data)} bytes or more, and its Content-Length is {left}")
            data = memoryview(data)[:left]
            self._is_exceeded = True
            report("the application returned more bytes than its Content-Length: the others are dropped")
        if head:
            self.is_begun = True
        if not self.has_content:
            if head:
                self._transmit(head)
            return
        if left is not None:
            self._left = left - len(data)
        if self._is_chunked:
            self._transmit(b"%s%x\r\n%s\r\n" % (head, len(data), bytes(data)))
        elif len(data) < RECEIVE_BYTES:
            self._transmit(head + bytes(data) if head else data)
        else:
            self._transmit(head)
            self._transmit(data)

    def finish(self) -> None:
        """Ends the content. :raises BrokenApplication: it is too short, and nothing was sent."""
        if self._broken is not None:
            raise self._broken
        if self._status is None:
            raise BrokenApplication("it returned without calling start_response")
        if not self.is_begun:
            head = self._head(0)
            if self._left and self.has_content:
                raise BrokenApplication(f"it returned no bytes, and its Content-Length is {self._left}")
            self.is_begun = True
            self._transmit(head)
        elif self._left and self.has_content:
            report(f"the application returned {self._left} bytes less than its Content-Length: the response is cut off")
            self._cut()
        elif self._is_chunked and self.has_content:
            self._transmit(b"0\r\n\r\n")

    def send_file(self, wrapper: FileWrapper) -> bool:
        """Makes the server send the file behind ``wrapper``; False: it has to be read here."""
        if self.is_begun or self._status is None or self._broken is not None:
            return False
        if not self.has_content and not self._is_head:
            return False
        found = file_behind(wrapper.filelike)
        if found is None:
            return False
        path, position, length = found
        declared = self._header("content-length")
        if declared != "" and int(declared) > length:
            return False
        count = length if declared == "" else int(declared)
        place = f"{percent_encoded(path)}; {position}; {count}"
        head = self._head(count)
        self.is_begun = True
        if not self.has_content:
            self._transmit(head)
            return True
        self._transmit(b"%sX-Epoll-Server-Sendfile: %s\r\n\r\n" % (head[:-2], place.encode("ascii")))
        # The file must not be closed, and perhaps removed, before the server has opened it.
        with self._watch:
            self._connection.shutdown(SHUT_WR)
            while self._connection.recv(RECEIVE_BYTES):
                pass
        return True

    def fail(self) -> None:
        """Sends 500, unless a response has begun: then the end of the connection says that it is incomplete."""
        if self.is_begun:
            self._cut()
            return
        self.is_begun = True
        text = b"" if self._is_head else b"500 Internal Server Error\n"
        head = (
            b"HTTP/1.1 500 Internal Server Error\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n"
            b"Content-Length: 26\r\n\r\n"
        )
        self._transmit(head + text)

    def within_length(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The pieces of a file as far as Content-Length says, if the application has set it (PEP 3333)."""
        declared = self._header("content-length")
        if declared == "":
            yield from pieces
            return
        left = int(declared)
        for piece in pieces:
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return

    def _cut(self) -> None:
        """Ends the connection, also where a process that the application forked has it open."""
        try:
            self._connection.shutdown(SHUT_WR)
        except OSError:
            # The server has closed it.
            pass

    def _header(self, name: str) -> str:
        for each, value in self._headers:
            if each.lower() == name:
                return value
        return ""

    def _head(self, whole: int | None) -> bytes:
        """The head as bytes, and how the content is framed."""
        lines = [f"HTTP/1.1 {self._status}\r\n"]
        is_without = (self._status or "").startswith("204")
        declared: int | None = None
        for name, value in self._headers:
            if name.lower() == "content-length":
                declared = int(value)
                if is_without:
                    continue
            lines.append(f"{name}: {value}\r\n")
        if declared is not None:
            self._left = declared
        elif whole is not None:
            self._left = whole
            if not is_without and not (self._is_head and whole == 0) and not (self._status or "").startswith("304"):
                lines.append(f"Content-Length: {whole}\r\n")
        elif self.has_content:
            self._is_chunked = True
            lines.append("Transfer-Encoding: chunked\r\n")
        lines.append("\r\n")
        return "".join(lines).encode("latin-1")

    def _transmit(self, data: bytes | memoryview) -> None:
        with self._watch:
            self._connection.sendall(data)


class Watch:
    """A counter of one thread that the server reads: odd while the application runs.

    A value that stays odd and the same is an application that hangs. A counter needs no clock that both sides share.
    ``with watch:`` is around calls on the connection, in which the application waits for the server.

    :raises ClientGone: such a call failed.
    """

    def __init__(self, counters: Any, index: int) -> None:
        self._counters = counters
        self._index = index
        self._was_running = False

    def __enter__(self) -> None:
        # A thread of the application may make the call when its request is over.
        self._was_running = self._counters[self._index] % 2 == 1
        self.pause()

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if self._was_running:
            self.resume()
        if isinstance(error, OSError):
            raise ClientGone("the connection was closed") from error

    def resume(self) -> None:
        """The application runs."""
        self._counters[self._index] |= 1

    def pause(self) -> None:
        """The application waits for the server, or does not run."""
        self._counters[self._index] = (self._counters[self._index] | 1) + 1

    def stop(self) -> None:
        """The server does not read it any more."""
        self._counters, self._index = [0], 0


# ---------------------------------------------------------------------------------------------------------------------
# The application


class Loaded:
    """An application, with its name for messages."""

    def __init__(self, application: Application, name: str, is_lenient: bool) -> None:
        self.application = application
        self.name = name
        #: Bodies that the tutorials' servers take: a number, text, or text in pieces. PEP 3333 has bytes alone.
        self.is_lenient = is_lenient


def load_application(module_name: str, callable_name: str, is_lenient: bool) -> Loaded:
    """Imports a module and finds its application. :raises LoadError: there is none."""
    try:
        module = importlib.import_module(module_name)
    except BaseException as error:  # sys.exit() in a module is one too.
        raise LoadError("import", last_line_of(error), own_traceback(error)) from error
    names = (callable_name,) if callable_name else USUAL_NAMES
    for name in names:
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is None:
            continue
        if not callable(found):
            raise LoadError("callable", f"{name} is of the type {type(found).__name__}")
        return Loaded(found, f"{module_name}:{name}", is_lenient)
    raise LoadError("name", " or ".join(names), callables_of(module))


def callables_of(module: ModuleType) -> list[str]:
    """The names of a module that may be meant: those of callables that it defines or that are instances."""
    return [
        name
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and not isinstance(value, type)
    ]


def last_line_of(error: BaseException) -> str:
    return traceback.format_exception_only(type(error), error)[-1].strip()


def own_traceback(error: BaseException) -> list[str]:
    """The lines of a traceback, without the first frames, which are of this file and of the import system."""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file != __file__ and not file.startswith("<frozen importlib") and os.sep + "importlib" + os.sep not in file:
            break
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).splitlines()


class DynamicFolder:
    """The modules of a folder, by their file names in URLs: ``time.py`` at ``/time.py``. Each is an application.

    A module is executed at its first request, and again when its file has changed. Its bytecode is not cached: the
    cache compares seconds and sizes, and misses a change within one second.
    """

    def __init__(self, folder: str) -> None:
        self._folder = os.fsencode(folder)
        self._lock = threading.Lock()
        self._modules: dict[bytes, tuple[tuple[int, ...], Loaded | LoadError]] = {}

    def find(self, environ: Environ) -> Loaded | LoadError | None:
        """The application of a request, or why it does not load; None: there is no such file.

        The error is not raised: it is kept, and would keep the frames of each request that raised it.
        """
        name = environ.get("PATH_INFO", "").lstrip("/").encode("latin-1")
        if not name.endswith(b".py") or name.startswith(b".") or b"/" in name or b"\0" in name:
            return None
        path = os.path.join(self._folder, name)
        try:
            found = os.stat(path)
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        version = (found.st_mtime_ns, found.st_size, found.st_ino)
        with self._lock:
            known = self._modules.get(name)
            if known is None or known[0] != version:
                known = (version, self._load(path, os.fsdecode(name)))
                self._modules[name] = known
        return known[1]

    def _load(self, path: bytes, name: str) -> Loaded | LoadError:
        # A module of that name may be one of Python's, as time is.
        module = type(sys)("epoll_server_dynamic_" + name[:-3])
        module.__file__ = os.fsdecode(path)
        sys.modules[module.__name__] = module
        try:
            with open(path, "rb") as file:
                source = file.read()
            # The first lines of the source name its encoding (PEP 263).
            exec(compile(source, module.__file__, "exec", dont_inherit=True), vars(module))
        except BaseException as error:
            return LoadError("import", last_line_of(error), own_traceback(error))
        for each in DYNAMIC_NAMES:
            found = getattr(module, each, None)
            if callable(found):
                return Loaded(found, f"{name}:{each}", True)
        return LoadError("name", " or ".join(DYNAMIC_NAMES), callables_of(module))


def lenient_chunks(result: Any, response: Response) -> Iterable[Any]:
    """The content of a tutorial's module as bytes: a number, text or bytes as a whole, or pieces of them."""
    if isinstance(result, (str, int, float, bytes)) and not isinstance(result, bool):
        return [lenient_bytes(result, response)]
    if isinstance(result, (list, tuple)):
        return [lenient_bytes(each, response) for each in result]
    return (lenient_bytes(each, response) for each in pieces_of(result))


def lenient_bytes(piece: Any, response: Response) -> Any:
    """Text in the charset of Content-Type. What is neither text nor a number is checked later."""
    if isinstance(piece, (int, float)) and not isinstance(piece, bool):
        piece = str(piece)
    if not isinstance(piece, str):
        return piece
    response.default_content_type("text/html; charset=utf-8")
    # Browsers understand references to characters that a charset lacks.
    return piece.encode(response.charset, "xmlcharrefreplace")


def run_application(loaded: Loaded, environ: Environ, response: Response) -> None:
    """Calls the application and sends what it returns. Its ``close()`` is called in every case."""
    result = loaded.application(environ, response.start_response)
    try:
        if type(result) is FileWrapper and response.send_file(result):
            return
        send_result(lenient_chunks(result, response) if loaded.is_lenient else result, response)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()


def send_result(result: Any, response: Response) -> None:
    """Sends each piece as it comes. A list has a length that can be announced."""
    if isinstance(result, (str, bytes, bytearray)):
        raise BrokenApplication(f"it returned {type(result).__name__}, not an iterable of bytes")
    whole: int | None = None
    if isinstance(result, (list, tuple)):
        for piece in result:
            response.check_data(piece, "it returned a list with")
        whole = sum(map(len, result))
        if len(result) > 1 and whole <= JOIN_BYTES:
            result = [b"".join(result)]
    is_single = whole is None and is_of_one_piece(result)
    pieces = pieces_of(result)
    if type(result) is FileWrapper:
        pieces = response.within_length(pieces)
    for piece in pieces:
        response.check_data(piece, "its iterable yielded")
        response.send(piece, len(piece) if is_single else whole)
        if response.is_full:
            return
    response.finish()


def pieces_of(result: Any) -> Iterator[Any]:
    """:raises BrokenApplication: ``result`` is not iterable."""
    try:
        return iter(result)
    except TypeError:
        raise BrokenApplication(f"it returned {type(result).__name__}, not an iterable of bytes") from None


def is_of_one_piece(result: Any) -> bool:
    """PEP 3333 says that ``len(result)`` is exact where it exists."""
    try:
        return len(result) == 1
    except TypeError:
        return False


# ---------------------------------------------------------------------------------------------------------------------
# The process


def report(text: str) -> None:
    """Writes lines to the log of the server, also where the application has closed or replaced ``sys.stderr``."""
    data = (text + "\n").encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(STDERR, data) :]
    except OSError:
        # Its reader is gone.
        pass


class Worker:
    """Accepts requests and runs the application, one request after the other in each thread."""

    def __init__(
        self,
        listener: socket,
        application: Loaded | DynamicFolder,
        *,
        threads: int = 1,
        processes: int = 1,
        counters: Any = None,
    ) -> None:
        self._listener = listener
        self._application = application
        self._threads = threads
        self._counters = [0] * threads if counters is None else counters
        self._base: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": threads > 1,
            "wsgi.multiprocess": processes > 1,
            "wsgi.run_once": False,
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.input_terminated": True,
            "SCRIPT_NAME": "",
            "PATH_INFO": "",
            "QUERY_STRING": "",
            "SERVER_PROTOCOL": "HTTP/1.1",
        }
        #: Whether this is a process that the application forked.
        self._is_forked = False
        #: The last connection of each thread, and its watch.
        self._current: dict[int, tuple[socket, Watch]] = {}

    def serve(self, life: Life) -> None:
        """Serves until the life of the process is over."""
        os.register_at_fork(after_in_child=self._forked)
        if self._threads == 1:
            self._loop(0, life, life.wakers)
            return
        stop_read, stop_write = os.pipe()
        threads = [
            threading.Thread(target=self._guarded_loop, args=(index, life, (stop_read,)), name=f"request-{index + 1}")
            for index in range(self._threads)
        ]
        for thread in threads:
            thread.daemon = True
            thread.start()
        # Signals arrive in this thread.
        poller = select.poll()
        for waker in life.wakers:
            poller.register(waker, select.POLLIN)
        while not life.is_over:
            poller.poll()
            life.look()
        # It stays readable, so every thread sees it.
        os.write(stop_write, b"\0")
        for thread in threads:
            thread.join()

    def _forked(self) -> None:
        """The response is that of the process that accepted the request, whose end the server has to see."""
        self._is_forked = True
        for connection, watch in self._current.values():
            connection.close()
            watch.stop()

    def _guarded_loop(self, index: int, life: Life, wakers: Sequence[int]) -> None:
        """A failure outside of the application, such as no descriptors, ends the process, which is replaced."""
        try:
            self._loop(index, life, wakers)
        except BaseException:
            if self._is_forked:
                raise
            report(traceback.format_exc())
            os._exit(1)

    def _loop(self, index: int, life: Life, wakers: Sequence[int]) -> None:
        listener = [self._listener.fileno()]
        wait = waiter(listener[0], wakers)
        watch = Watch(self._counters, index)
        while not life.is_over:
            readable = wait()
            # Also beside a request: there may always be another one.
            if readable != listener and self._threads == 1:
                life.look()
            # A worker that was woken for a request accepts it: the system wakes no other one for it.
            if listener[0] not in readable:
                continue
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                # Another worker was faster.
                continue
            with connection:
                self._current[index] = (connection, watch)
                # The application may have set a default for all sockets. The call costs an ioctl(2).
                if connection.gettimeout() is not None:
                    connection.setblocking(True)
                self.answer(connection, watch)

    def answer(self, connection: socket, watch: Watch) -> None:
        """Serves the one request of a connection."""
        try:
            variables, rest = read_packet(connection)
            length = content_length_of(variables)
        except (CutRequest, OSError):
            return
        content = Content(connection, rest, length, watch) if length > len(rest) else None
        environ = self._environ(
            variables, io.BytesIO(rest[:length]) if content is None else io.BufferedReader(content, RECEIVE_BYTES)
        )
        response = Response(connection, variables.get("REQUEST_METHOD", ""), watch)
        watch.resume()
        try:
            self._run(variables, environ, response)
        finally:
            watch.pause()
        if content is not None and content.unread > 0:
            discard(connection, content.unread)

    def _environ(self, variables: dict[str, str], content: Any) -> Environ:
        environ = self._base.copy()
        environ.update(variables)
        environ["wsgi.input"] = content
        environ["wsgi.url_scheme"] = "https" if variables.get("HTTPS", "") in ("on", "1") else "http"
        if not environ["PATH_INFO"].startswith("/"):
            # OPTIONS * has no path.
            environ["PATH_INFO"] = ""
        return environ

    def _run(self, variables: dict[str, str], environ: Environ, response: Response) -> None:
        """Whatever the application raises ends this request alone. It may have changed ``environ`` by then."""
        name = "the application"
        try:
            loaded = self._application
            if isinstance(loaded, DynamicFolder):
                found = loaded.find(environ)
                if found is None:
                    response.start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                    send_result([b"404 Not Found\n"], response)
                    return
                if isinstance(found, LoadError):
                    self._failed(response, load_text(environ["PATH_INFO"].lstrip("/"), found), variables)
                    return
                loaded = found
            name = loaded.name
            run_application(loaded, environ, response)
        except ClientGone:
            pass
        except BrokenApplication as error:
            self._failed(response, f"{name} breaks PEP 3333: {error}", variables)
        except BaseException as error:
            if self._is_forked:
                # It ends as any process does, such as by sys.exit().
                raise
            self._failed(response, "\n".join([f"{name} failed:", *own_traceback(error)]), variables)

    def _failed(self, response: Response, text: str, variables: dict[str, str]) -> None:
        target = f"{variables.get('REQUEST_METHOD', '')} {variables.get('REQUEST_URI', '')}"
        report(f"{target}: {text}")
        if self._is_forked:
            # The response is that of the process that accepted the request.
            return
        try:
            response.fail()
        except ClientGone:
            pass


def load_text(name: str, error: LoadError) -> str:
    """Why a module of a dynamic folder is no application: one line, and the traceback of an import that failed."""
    if error.reason == "name":
        there = ", ".join(error.details) or "none"
        return f"{name} has no {error} (callables there: {there})"
    return "\n".join([f"{name} does not load: {error}", *error.details])


def said_of(error: LoadError) -> dict[str, Any]:
    """What the server reports of it. The server cuts lines of more than 65,536 bytes, and reports 20 of these at most."""
    details = error.details[-20:] if error.reason == "import" else error.details[:20]
    return {"reason": error.reason, "message": str(error)[:400], "details": [line[:400] for line in details]}


def discard(connection: socket, count: int) -> None:
    """Takes content that the application did not read: closing before would reset the connection, and the response."""
    try:
        connection.shutdown(SHUT_WR)
        while count > 0:
            data = connection.recv(min(count, RECEIVE_BYTES))
            if not data:
                return
            count -= len(data)
    except OSError:
        pass


def waiter(listener: int, wakers: Sequence[int]) -> Callable[[], list[int]]:
    """Returns a function that waits, and returns the descriptors that are readable.

    On Linux one request wakes one of the workers (EPOLLEXCLUSIVE); elsewhere it wakes all that are free.
    """
    if hasattr(select, "epoll") and hasattr(select, "EPOLLEXCLUSIVE"):
        epoll = select.epoll()
        epoll.register(listener, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        for waker in wakers:
            epoll.register(waker, select.EPOLLIN)
        return lambda: [descriptor for descriptor, _ in epoll.poll()]
    poller = select.poll()
    for descriptor in (listener, *wakers):
        poller.register(descriptor, select.POLLIN)
    return lambda: [descriptor for descriptor, _ in poller.poll()]


class Life:
    """When this process ends: after the requests under way, when its parent has ended, or has said so.

    The parent says it by SIGTERM, for which an application may have a handler of its own, and by the end of the control
    descriptor.
    """

    def __init__(self, control: int) -> None:
        self._control = control
        self.is_over = False
        self.is_forked = False
        self._wake_read, wake_write = os.pipe()
        for descriptor in (control, self._wake_read, wake_write):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        #: By signal: the handler of this process, and the one before.
        self._handlers: dict[int, tuple[Any, Any]] = {}
        self._handle(signal.SIGTERM, self._end)
        # A terminal or an operator may send these to all processes of the server, which directs its workers.
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            self._handle(number, lambda _number, _frame: None)
        # The server asks for it before it kills a worker that hangs.
        faulthandler.register(signal.SIGQUIT, all_threads=True)
        faulthandler.enable()
        os.register_at_fork(after_in_child=self._forked)
        die_with_parent()
        # It may have ended before.
        self.look()

    def _handle(self, number: int, handler: Any) -> None:
        self._handlers[number] = (handler, signal.signal(number, handler))

    @property
    def wakers(self) -> tuple[int, int]:
        return self._wake_read, self._control

    def look(self) -> None:
        """Finds out why the process was woken: by a signal, or by the parent, which alone has the other end of control."""
        for descriptor in self.wakers:
            try:
                if os.read(descriptor, 512) == b"":
                    self.is_over = True
            except BlockingIOError:
                pass
            except OSError:
                self.is_over = True

    def say(self, message: dict[str, Any]) -> None:
        """One line of JSON for the parent."""
        data = json.dumps(message, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        os.set_blocking(self._control, True)
        try:
            while data:
                data = data[os.write(self._control, data) :]
        except OSError:
            self.is_over = True
        os.set_blocking(self._control, False)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.is_over = True

    def _forked(self) -> None:
        """A process that the application forked, and that returns from it, must not accept requests.

        Signals end it as any process: multiprocessing ends its processes by SIGTERM, and waits for them.
        """
        self.is_forked = self.is_over = True
        signal.set_wakeup_fd(-1)
        for number, (handler, before) in self._handlers.items():
            if signal.getsignal(number) == handler:
                signal.signal(number, before)


def die_with_parent() -> None:
    """Linux kills this process when its parent ends, even while the application hangs (PR_SET_PDEATHSIG)."""
    if sys.platform != "linux":
        return
    try:
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, int(signal.SIGKILL), 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        # The end of the control descriptor still ends it.
        pass


def parse_arguments(arguments: Sequence[str]) -> dict[str, str]:
    """``--name value`` for each argument. argparse would take longer to import than the rest of this file."""
    names = arguments[::2]
    if len(arguments) % 2 == 1 or any(not name.startswith("--") for name in names):
        raise SystemExit("epoll_server_worker.py is started by epoll-server")
    return {name[2:]: value for name, value in zip(names, arguments[1::2])}


def open_application(options: dict[str, str]) -> Loaded | DynamicFolder:
    """:raises LoadError: there is no application."""
    if "dynamic" in options:
        return DynamicFolder(options["dynamic"])
    return load_application(options["module"], options.get("callable", ""), options.get("lenient") == "1")


def main(arguments: Sequence[str]) -> int:
    """Runs this process; returns its exit code."""
    if sys.version_info < MIN_VERSION:
        # The server asks for the version when a worker ends without a message.
        return 2
    options = parse_arguments(arguments)
    listener_fd, control, counters_fd = (int(options[name]) for name in ("fd", "control", "counters"))
    # Programs that the application starts must not hold them.
    for descriptor in (listener_fd, control, counters_fd):
        os.set_inheritable(descriptor, False)
    life = Life(control)
    if life.is_over:
        # The application might load for ever.
        return 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    # The folder of this file is not the application's.
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [options["folder"], *(path for path in sys.path if os.path.abspath(path) != own)]
    if "chdir" in options:
        os.chdir(options["chdir"])
    threads = int(options.get("threads", "1"))
    listener = socket(fileno=listener_fd)
    listener.setblocking(False)
    try:
        application = open_application(options)
    except LoadError as error:
        if life.is_forked:
            return 0
        life.say({"event": "failed", **said_of(error)})
        return 2
    memory = mmap.mmap(counters_fd, threads * 8)
    worker = Worker(
        listener,
        application,
        threads=threads,
        processes=int(options.get("processes", "1")),
        counters=memoryview(memory).cast("Q"),
    )
    life.say({"event": "ready", "python": sys.version.split()[0]})
    worker.serve(life)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

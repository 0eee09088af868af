"""Unit tests of the Python worker, without a server: `python3 -m unittest`, by any Python from 3.8 on."""

from __future__ import annotations

import contextlib
import gc
import gzip
import io
import itertools
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import wsgiref.validate
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "python"))

import epoll_server_worker as worker  # noqa: E402

VARIABLES = {
    "REQUEST_METHOD": "GET",
    "REQUEST_URI": "/a?b=c",
    "PATH_INFO": "/a",
    "QUERY_STRING": "b=c",
    "CONTENT_TYPE": "",
    "CONTENT_LENGTH": "",
    "SERVER_NAME": "127.0.0.1",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "HTTP_HOST": "localhost",
}

# These tests hand over their connections themselves.
NO_LISTENER = socket.socket()
unittest.addModuleCleanup(NO_LISTENER.close)


def packet(variables, content=b""):
    """The bytes of a request."""
    pairs = b"".join(
        struct.pack("<H", len(each)) + each
        for pair in variables.items()
        for each in (part.encode("latin-1") for part in pair)
    )
    return b"\0" + struct.pack("<H", len(pairs)) + b"\0" + pairs + content


class Answer:
    """The response of an application, and what it wrote to the log."""

    def __init__(self, data, log):
        head, _, self.rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = lines[0]
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        self.log = log

    @property
    def content(self):
        """Without the framing of chunks. A missing end is an error."""
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rest
        content, rest = b"", self.rest
        while True:
            size, _, rest = rest.partition(b"\r\n")
            count = int(size, 16)
            if count == 0:
                return content
            content, rest = content + rest[:count], rest[count + 2 :]


@contextlib.contextmanager
def logging():
    """Gives a function that returns what was written to the log of the server, and to `sys.stderr`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", buffering=1) as log, contextlib.redirect_stderr(log):
        with mock.patch.object(worker, "STDERR", log.fileno()):
            yield lambda: os.pread(log.fileno(), 1_000_000, 0).decode()


def answer(application, content=b"", lenient=False, raw=None, pieces=None, **changed):
    """Sends one request to `application`; `pieces`: in pieces of that many bytes."""
    variables = {**VARIABLES, **({"CONTENT_LENGTH": str(len(content))} if content else {}), **changed}
    sent = packet(variables, content) if raw is None else raw
    ours, theirs = socket.socketpair()
    loaded = worker.Loaded(application, "module:application", lenient) if callable(application) else application
    with logging() as log:
        served = worker.Worker(NO_LISTENER, loaded)
        thread = threading.Thread(target=serve, args=(served, theirs))
        thread.start()
        size = pieces or max(len(sent), 1)
        with contextlib.suppress(OSError):
            for at in range(0, len(sent), size):
                ours.sendall(sent[at : at + size])
            if raw is not None:
                ours.shutdown(socket.SHUT_WR)
        received = receive(ours)
        ours.close()
        thread.join()
        return Answer(received, log())


def serve(served, connection):
    with connection:
        served.answer(connection, worker.Watch([0], 0))


def receive(connection):
    received = b""
    with contextlib.suppress(OSError):
        while True:
            data = connection.recv(65_536)
            if not data:
                break
            received += data
    return received


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello"]


def returning(result, headers=(("Content-Type", "text/plain"),), status="200 OK"):
    def application(environ, start_response):
        start_response(status, list(headers))
        return result

    return application


class Packets(unittest.TestCase):
    def test_every_variable_is_in_the_environ(self):
        seen = {}

        def application(environ, start_response):
            seen.update(environ)
            return hello(environ, start_response)

        answer(application, HTTP_X_TEXT="\xe4\xb8", HTTPS="on")
        self.assertEqual(seen["HTTP_X_TEXT"], "\xe4\xb8")
        self.assertEqual(seen["wsgi.url_scheme"], "https")
        self.assertEqual(seen["SCRIPT_NAME"], "")
        self.assertEqual((seen["wsgi.multithread"], seen["wsgi.multiprocess"]), (False, False))

    def test_a_packet_may_arrive_in_any_pieces(self):
        def application(environ, start_response):
            start_response("200 OK", [])
            return [environ["wsgi.input"].read()]

        for size in (1, 2, 3, 5, 64):
            self.assertEqual(answer(application, b"content", pieces=size).rest, b"content")

    def test_what_is_no_packet_gets_no_response(self):
        whole = packet(VARIABLES)
        wrong = [b"", b"\0", whole[:-1], b"GET / HTTP/1.1\r\n\r\n", b"\1" + whole[1:], whole[:3] + b"\1" + whole[4:]]
        lengths = [b"\0\1\0\0\5", b"\0\2\0\0\5\0", b"\0\5\0\0\1\0A\5\0", b"\0\4\0\0\0\0\0\0"]
        twice = packet({"A": "1"})[4:] * 2
        repeated = b"\0" + struct.pack("<H", len(twice)) + b"\0" + twice
        no_number = packet({**VARIABLES, "CONTENT_LENGTH": "-1"})
        for raw in [*wrong, *lengths, repeated, no_number]:
            self.assertEqual(answer(hello, raw=raw).status, "", raw)

    def test_the_largest_packet(self):
        text = "x" * 60_000
        self.assertEqual(
            answer(lambda e, s: [s("200 OK", []), [e["HTTP_X"].encode()]][1], HTTP_X=text).rest, text.encode()
        )


class Input(unittest.TestCase):
    def read(self, how, content, **changed):
        found = []

        def application(environ, start_response):
            found.append(how(environ["wsgi.input"]))
            return hello(environ, start_response)

        response = answer(application, content, **changed)
        self.assertEqual(response.rest, b"Hello", response.log)
        return found[0]

    def test_reads_by_size_line_and_list(self):
        text = b"one\ntwo\n" + b"x" * 200_000 + b"\nlast"
        self.assertEqual(self.read(lambda i: i.read(), text), text)
        self.assertEqual(self.read(lambda i: i.read(-1), text), text)
        self.assertEqual(self.read(lambda i: i.read(5), text), text[:5])
        self.assertEqual(
            self.read(lambda i: (i.readline(), i.readline(2), i.readline()), text), (b"one\n", b"tw", b"o\n")
        )
        self.assertEqual(self.read(lambda i: i.readlines(), text), text.splitlines(True))
        self.assertEqual(self.read(list, text), text.splitlines(True))

    def test_never_reads_beyond_the_content(self):
        read = self.read(lambda i: (i.read(100), i.read(100), i.readline()), b"abcdef", CONTENT_LENGTH="3")
        self.assertEqual(read, (b"abc", b"", b""))

    def test_content_that_is_cut_off_is_an_error(self):
        def application(environ, start_response):
            with self.assertRaises(OSError):
                environ["wsgi.input"].read()
            return hello(environ, start_response)

        self.assertEqual(answer(application, raw=packet({**VARIABLES, "CONTENT_LENGTH": "10"}, b"abc")).rest, b"Hello")

    def test_unread_content_does_not_destroy_the_response(self):
        self.assertEqual(answer(hello, b"x" * 1_000_000).rest, b"Hello")


class Responses(unittest.TestCase):
    def test_a_list_has_a_length(self):
        response = answer(returning([b"ab", b"", b"c"]))
        self.assertEqual((response.headers["content-length"], response.rest), ("3", b"abc"))
        self.assertEqual(answer(returning([])).headers["content-length"], "0")

    def test_a_generator_is_sent_in_chunks(self):
        response = answer(returning(part for part in (b"ab", b"", b"c")))
        self.assertEqual((response.headers["transfer-encoding"], response.content), ("chunked", b"abc"))

    def test_an_iterable_of_one_piece_has_a_length(self):
        class One:
            def __len__(self):
                return 1

            def __iter__(self):
                return iter([b"one"])

        self.assertEqual(answer(returning(One())).headers["content-length"], "3")

    def test_a_large_piece(self):
        text = os.urandom(1_000_000)
        self.assertEqual(answer(returning([text])).rest, text)

    def test_responses_without_content(self):
        response = answer(returning([b"text"]), REQUEST_METHOD="HEAD")
        self.assertEqual((response.headers["content-length"], response.rest), ("4", b""))
        response = answer(returning([], [("Content-Length", "9")]), REQUEST_METHOD="HEAD")
        self.assertEqual((response.headers["content-length"], response.rest), ("9", b""))
        response = answer(returning((b"a" for _ in range(2))), REQUEST_METHOD="HEAD")
        self.assertEqual((response.headers.get("transfer-encoding"), response.rest), (None, b""))
        response = answer(returning([], [("Content-Length", "0")], "204 No Content"))
        self.assertEqual((response.headers.get("content-length"), response.rest), (None, b""))
        response = answer(returning([], [("ETag", '"a"')], "304 Not Modified"))
        self.assertEqual((response.status, response.headers.get("content-length")), ("HTTP/1.1 304 Not Modified", None))

    def test_write_comes_before_the_iterable(self):
        def application(environ, start_response):
            write = start_response("200 OK", [])
            write(b"a")
            write(b"")
            write(b"b")
            return [b"c"]

        self.assertEqual(answer(application).content, b"abc")

    def test_write_sends_at_once(self):
        ours, theirs = socket.socketpair()
        first = threading.Event()

        def application(environ, start_response):
            start_response("200 OK", [("Content-Length", "2")])(b"a")
            self.assertTrue(first.wait(10))
            return [b"b"]

        served = worker.Worker(NO_LISTENER, worker.Loaded(application, "m:a", False))
        thread = threading.Thread(target=serve, args=(served, theirs))
        thread.start()
        ours.sendall(packet(VARIABLES))
        received = b""
        while not received.endswith(b"\r\n\r\na"):
            received += ours.recv(100)
        first.set()
        self.assertEqual(receive(ours), b"b")
        thread.join()
        ours.close()

    def test_exc_info_replaces_the_head_before_it_was_sent(self):
        def application(environ, start_response):
            start_response("200 OK", [])
            try:
                raise ValueError("first")
            except ValueError:
                start_response("503 Later", [("X-Kind", "error")], sys.exc_info())
            return [b"sorry"]

        response = answer(application)
        self.assertEqual((response.status, response.headers["x-kind"]), ("HTTP/1.1 503 Later", "error"))

    def test_exc_info_is_raised_after_the_head_was_sent(self):
        def application(environ, start_response):
            start_response("200 OK", [("Content-Length", "9")])(b"a")
            try:
                raise ValueError("too late")
            except ValueError:
                start_response("500 Error", [], sys.exc_info())
            return [b"never"]

        response = answer(application)
        self.assertEqual((response.status, response.rest), ("HTTP/1.1 200 OK", b"a"))
        self.assertIn("ValueError: too late", response.log)

    def test_close_is_called_in_every_case(self):
        class Body:
            def __init__(self, pieces):
                self.pieces = iter(pieces)
                self.is_closed = False

            def __iter__(self):
                return self

            def __next__(self):
                piece = next(self.pieces)
                if piece is None:
                    raise ValueError("broken")
                return piece

            def close(self):
                self.is_closed = True

        for pieces in ([b"a"], [], [None], [b"a", None], ["text"], [1]):
            body = Body(pieces)
            answer(returning(body))
            self.assertTrue(body.is_closed, pieces)
        body = Body([b"a"] * 3)
        answer(returning(body), REQUEST_METHOD="HEAD")
        self.assertTrue(body.is_closed)

    def test_close_is_called_when_the_client_is_gone(self):
        closed = []

        def forever():
            try:
                while True:
                    yield b"x" * 65_536
            finally:
                closed.append(True)

        ours, theirs = socket.socketpair()
        served = worker.Worker(NO_LISTENER, worker.Loaded(returning(forever()), "m:a", False))
        thread = threading.Thread(target=serve, args=(served, theirs))
        thread.start()
        ours.sendall(packet(VARIABLES))
        ours.recv(10)
        ours.close()
        thread.join()
        self.assertEqual(closed, [True])

    def test_a_connection_that_is_reset_is_no_failure_of_the_application(self):
        gone = threading.Event()

        def file(environ, start_response):
            start_response("200 OK", [])
            return environ["wsgi.file_wrapper"](open(__file__, "rb"))

        def late(environ, start_response):
            start_response("200 OK", [])
            yield b"a"
            gone.wait(10)
            yield environ["wsgi.input"].read()

        for application in (file, late):
            gone.clear()
            ours, theirs = socket.socketpair()
            with logging() as log:
                served = worker.Worker(NO_LISTENER, worker.Loaded(application, "m:a", False))
                thread = threading.Thread(target=serve, args=(served, theirs))
                thread.start()
                ours.sendall(packet({**VARIABLES, "CONTENT_LENGTH": "100"}))
                # Closing with the response unread resets the connection.
                select.select([ours], [], [])
                ours.close()
                gone.set()
                thread.join()
                self.assertEqual(log(), "")

    def test_a_failing_application_gives_500_and_its_traceback(self):
        def application(environ, start_response):
            raise KeyError("what failed")

        for changed in ({}, {"REQUEST_METHOD": "HEAD"}):
            response = answer(application, **changed)
            self.assertEqual(response.status, "HTTP/1.1 500 Internal Server Error")
            self.assertIn("/a?b=c: module:application failed:", response.log)
            self.assertIn("KeyError: 'what failed'", response.log)
            self.assertNotIn("run_application", response.log)

    def test_an_application_that_has_emptied_its_environ_fails_as_any_other(self):
        def emptying(environ, start_response):
            environ.clear()
            raise ValueError("after that")

        response = answer(emptying)
        self.assertEqual(response.status, "HTTP/1.1 500 Internal Server Error")
        self.assertIn("GET /a?b=c: module:application failed:", response.log)

    def test_an_application_that_exits_ends_its_request_alone(self):
        response = answer(lambda environ, start_response: sys.exit(3))
        self.assertEqual(response.status, "HTTP/1.1 500 Internal Server Error")
        self.assertIn("SystemExit: 3", response.log)

    def test_a_failure_after_the_head_cuts_the_response_off(self):
        def broken():
            yield b"a"
            raise ValueError("in the middle")

        response = answer(returning(broken()))
        self.assertEqual(response.rest, b"1\r\na\r\n")
        self.assertIn("in the middle", response.log)

    def test_an_application_that_has_closed_stderr_fails_as_any_other(self):
        def closing(environ, start_response):
            sys.stderr.close()
            raise ValueError("after that")

        ours, theirs = socket.socketpair()
        with ours, tempfile.TemporaryFile() as log, mock.patch.object(worker, "STDERR", log.fileno()):
            served = worker.Worker(NO_LISTENER, worker.Loaded(closing, "m:a", False))
            ours.sendall(packet(VARIABLES))
            with contextlib.redirect_stderr(io.StringIO()):
                serve(served, theirs)
            self.assertIn(b"500 Internal Server Error", receive(ours))
            self.assertIn(b"ValueError: after that", os.pread(log.fileno(), 65_536, 0))

    def test_a_response_that_is_cut_off_ends_although_another_process_holds_its_connection(self):
        def broken():
            yield b"a"
            raise ValueError("in the middle")

        for application in (returning(broken()), returning([b"a"], [("Content-Length", "2")])):
            ours, theirs = socket.socketpair()
            with ours, theirs.dup(), logging():
                ours.sendall(packet(VARIABLES))
                serve(worker.Worker(NO_LISTENER, worker.Loaded(application, "m:a", False)), theirs)
                ours.setblocking(False)
                ours.recv(65_536)
                self.assertEqual(ours.recv(65_536), b"")


class BrokenApplications(unittest.TestCase):
    def assert_broken(self, application, text, **changed):
        response = answer(application, **changed)
        self.assertEqual(response.status, "HTTP/1.1 500 Internal Server Error", text)
        self.assertIn("module:application breaks PEP 3333: ", response.log)
        self.assertIn(text, response.log)

    def test_results(self):
        self.assert_broken(returning("text"), "it returned str, not an iterable of bytes")
        self.assert_broken(returning(b"bytes"), "it returned bytes, not an iterable of bytes")
        self.assert_broken(returning(None), "it returned NoneType, not an iterable of bytes")
        self.assert_broken(returning(1.5), "it returned float, not an iterable of bytes")
        self.assert_broken(returning(["text"]), "it returned a list with str, not bytes")
        self.assert_broken(returning([memoryview(b"abcd").cast("I")]), "it returned a list with memoryview, not bytes")
        self.assertEqual(answer(returning([memoryview(b"abcd")])).rest, b"abcd")
        self.assert_broken(returning(part for part in ("text",)), "its iterable yielded str, not bytes")

    def test_calls_of_start_response(self):
        self.assert_broken(lambda e, s: [b"a"], "start_response was not called before the first bytes")
        self.assert_broken(lambda e, s: [], "it returned without calling start_response")

        def twice(environ, start_response):
            start_response("200 OK", [])
            start_response("200 OK", [])
            return [b""]

        self.assert_broken(twice, "start_response was called twice without exc_info")

        def caught(environ, start_response):
            with contextlib.suppress(Exception):
                start_response("nonsense", [])
            return [b"a"]

        self.assert_broken(caught, "the status is 'nonsense'")

        def written(environ, start_response):
            start_response("200 OK", [])("text")
            return []

        self.assert_broken(written, "write() got str, not bytes")

    def test_statuses(self):
        for status in ("200", "OK", "100 Continue", "600 Far", "200 O\nK", 200, b"200 OK", "2000 OK"):
            self.assert_broken(returning([], (), status), "the status is")

    def test_headers(self):
        for headers, text in (
            ([("a b", "c")], "'a b' is not a token"),
            ([("", "c")], "'' is not a token"),
            ([("a", "b\r\nc: d")], "with a character that is not Latin-1 text"),
            ([("a", "\u4e2d")], "with a character that is not Latin-1 text"),
            ([("a", 1)], "is not a tuple of two strings"),
            ([["a", "b"]], "is not a tuple of two strings"),
            ([("a", "b", "c")], "is not a tuple of two strings"),
            ([("Content-Length", "-1")], "the header Content-Length has the value '-1'"),
            ([("Content-Length", "1"), ("content-length", "1")], "or is there twice"),
            ([("X-Epoll-Server-Sendfile", "/etc/passwd")], "is the server's alone"),
        ):
            self.assert_broken(returning([b"x"], headers), text)
        for name in ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "proxy-authenticate"):
            self.assert_broken(returning([b"x"], [(name, "x")]), "is hop-by-hop")

        def tuples(environ, start_response):
            start_response("200 OK", (("a", "b"),))
            return []

        self.assert_broken(tuples, "headers of the type tuple, not a list")

    def test_lengths(self):
        self.assert_broken(
            returning([b"abc"], [("Content-Length", "2")]), "3 bytes or more, and its Content-Length is 2"
        )
        self.assert_broken(returning([], [("Content-Length", "2")]), "no bytes, and its Content-Length is 2")
        response = answer(returning(iter([b"a", b"bc"]), [("Content-Length", "2")]))
        self.assertEqual(response.rest, b"ab")
        self.assertIn("more bytes than its Content-Length", response.log)
        response = answer(returning(itertools.repeat(b"abc", 1000), [("Content-Length", "4")]))
        self.assertEqual((response.rest, response.log.count("\n")), (b"abca", 1))
        response = answer(returning([b"a"], [("Content-Length", "3")]))
        self.assertEqual(response.rest, b"a")
        self.assertIn("2 bytes less than its Content-Length", response.log)


class Files(unittest.TestCase):
    def setUp(self):
        self.file = tempfile.NamedTemporaryFile(suffix=" \u4e2d;.txt")
        self.file.write(b"0123456789")
        self.file.flush()
        self.addCleanup(self.file.close)

    def wrapped(self, opened, headers=()):
        def application(environ, start_response):
            start_response("200 OK", list(headers))
            return environ["wsgi.file_wrapper"](opened)

        return application

    def test_a_real_file_is_sent_by_the_server(self):
        opened = open(self.file.name, "rb")
        opened.seek(4)
        ours, theirs = socket.socketpair()
        served = worker.Worker(NO_LISTENER, worker.Loaded(self.wrapped(opened), "m:a", False))
        thread = threading.Thread(target=serve, args=(served, theirs))
        thread.start()
        ours.sendall(packet(VARIABLES))
        response = Answer(receive(ours), "")
        path = worker.percent_encoded(os.path.realpath(self.file.name).encode())
        self.assertRegex(path, r"^[/A-Za-z0-9._%-]+$")
        self.assertEqual(response.headers["x-epoll-server-sendfile"], f"{path}; 4; 6")
        self.assertEqual((response.headers["content-length"], response.rest), ("6", b""))
        # It stays open until the server has opened it too, and has closed the connection.
        self.assertFalse(opened.closed)
        ours.close()
        thread.join()
        self.assertTrue(opened.closed)

    def test_a_length_of_the_application(self):
        place = answer(self.wrapped(open(self.file.name, "rb"), [("Content-Length", "3")])).headers
        self.assertTrue(place["x-epoll-server-sendfile"].endswith("; 0; 3"))

    def test_the_file_of_a_temporary_name(self):
        self.file.seek(0)
        self.assertIn("x-epoll-server-sendfile", answer(self.wrapped(self.file)).headers)

    def test_anything_else_is_read(self):
        packed = io.BytesIO()
        with gzip.GzipFile(fileobj=packed, mode="wb") as compressor:
            compressor.write(b"unpacked")
        archive = tempfile.NamedTemporaryFile()
        archive.write(packed.getvalue())
        archive.flush()
        self.addCleanup(archive.close)
        gone = tempfile.TemporaryFile()
        gone.write(b"gone")
        gone.seek(0)
        for opened, text in (
            (io.BytesIO(b"memory"), b"memory"),
            (gzip.open(archive.name), b"unpacked"),
            (gone, b"gone"),
        ):
            response = answer(self.wrapped(opened))
            self.assertNotIn("x-epoll-server-sendfile", response.headers)
            self.assertEqual(response.content, text)
            self.assertTrue(opened.closed)

    def test_a_file_that_says_it_is_empty_is_read(self):
        # /proc is of Linux alone.
        proc = "/proc/self/status"
        path = proc if os.path.exists(proc) else os.devnull
        with open(path, "rb") as file:
            first = file.read(5)
        self.assertEqual(answer(self.wrapped(open(path, "rb"))).content[:5], first)

    def test_a_head_has_no_file(self):
        response = answer(self.wrapped(open(self.file.name, "rb")), REQUEST_METHOD="HEAD")
        self.assertNotIn("x-epoll-server-sendfile", response.headers)
        self.assertEqual((response.headers["content-length"], response.rest), ("10", b""))

    def test_a_file_is_sent_as_far_as_content_length_says(self):
        for length, text in (("4", b"0123"), ("0", b""), ("10", b"0123456789")):
            for method in ("GET", "HEAD"):
                for opened in (open(self.file.name, "rb"), io.BytesIO(b"0123456789")):
                    application = self.wrapped(opened, [("Content-Length", length)])
                    response = answer(application, REQUEST_METHOD=method)
                    self.assertEqual((response.status, response.log), ("HTTP/1.1 200 OK", ""))
                    self.assertEqual(response.headers["content-length"], length)
                    is_read = method == "GET" and isinstance(opened, io.BytesIO)
                    self.assertEqual(response.rest, text if is_read else b"")


class Validator(unittest.TestCase):
    """wsgiref.validate finds nothing. It raises AssertionError, which would be 500."""

    def test_responses(self):
        def echo(environ, start_response):
            content = environ["wsgi.input"].read(1_000_000)
            write = start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(content)))])
            self.assertTrue(callable(write))
            environ["wsgi.errors"].write("")
            environ["wsgi.errors"].flush()
            return iter([content])

        def lines(environ, start_response):
            found = environ["wsgi.input"].readlines() + list(environ["wsgi.input"])
            start_response("200 OK", [("Content-Type", "text/plain")])
            return found

        for application in (echo, lines):
            for changed in (
                {"content": b"one\ntwo"},
                {"content": b"x\n" * 50_000},
                {},
                {"REQUEST_METHOD": "HEAD"},
                {"REQUEST_METHOD": "OPTIONS", "PATH_INFO": "*"},
                {"SCRIPT_NAME": "/at", "PATH_INFO": "", "HTTPS": "on"},
            ):
                response = answer(wsgiref.validate.validator(application), **changed)
                self.assertEqual(response.status, "HTTP/1.1 200 OK", response.log)
                self.assertEqual(response.log, "")


class Tutorials(unittest.TestCase):
    """Bodies that PEP 3333 does not know: for modules of a dynamic folder alone."""

    def text(self, result, content_type="text/html;charset=utf-8"):
        return answer(returning(result, [("Content-Type", content_type)]), lenient=True).content

    def test_bodies(self):
        self.assertEqual(self.text("\u4f60\u597d"), "\u4f60\u597d".encode())
        self.assertEqual(self.text(1234.5), b"1234.5")
        self.assertEqual(self.text(7), b"7")
        self.assertEqual(self.text(b"bytes"), b"bytes")
        self.assertEqual(self.text(["a", b"b", 1]), b"ab1")
        self.assertEqual(self.text(part for part in ("a", "b")), b"ab")

    def test_charsets(self):
        text = "\u4f60\u597d \u20ac"
        self.assertEqual(self.text(text, "text/html; charset=gb2312").decode("gb18030"), text)
        self.assertEqual(self.text(text, "text/html; charset='GBK'").decode("gb18030"), text)
        self.assertEqual(self.text("\u4f60", "text/html; charset=iso-8859-1"), b"&#20320;")
        self.assertEqual(self.text(text, "text/html; charset=unknown").decode(), text)
        response = answer(returning("text", []), lenient=True)
        self.assertEqual(response.headers["content-type"], "text/html; charset=utf-8")

    def test_what_is_still_wrong(self):
        for result in (None, True, object()):
            response = answer(returning(result), lenient=True)
            self.assertEqual(response.status, "HTTP/1.1 500 Internal Server Error")
            self.assertIn("breaks PEP 3333", response.log)


class Dynamic(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = folder.name
        self.folder = worker.DynamicFolder(self.path)

    def write(self, name, text, encoding="utf-8"):
        with open(os.path.join(self.path, name), "w", encoding=encoding) as file:
            file.write(text)

    def get(self, path):
        return answer(self.folder, PATH_INFO=path.encode().decode("latin-1"))

    def test_main_and_application(self):
        self.write(
            "time.py",
            "import time\ndef main(environ, start_response):\n start_response('200 OK', [])\n return time.time()",
        )
        self.write(
            "page.py",
            "def application(environ, start_response):\n start_response('200 OK', [])\n return '\u4f60\u597d'",
        )
        self.assertAlmostEqual(float(self.get("/time.py").rest), time.time(), delta=60)
        self.assertEqual(self.get("/page.py").rest.decode(), "\u4f60\u597d")
        self.assertIs(sys.modules["time"], time)

    def test_a_source_in_another_encoding(self):
        text = "# -*- coding: gb2312 -*-\ndef main(e, s):\n s('200 OK', [('Content-Type', 'text/html;charset=gb2312')])\n return '\u4f60\u597d'"
        self.write("gb.py", text, "gb2312")
        self.assertEqual(self.get("/gb.py").rest.decode("gb2312"), "\u4f60\u597d")

    def test_a_changed_file_is_loaded_again(self):
        for word in ("one", "two", "six"):
            self.write("page.py", f"def main(e, s):\n s('200 OK', [])\n return '{word}'")
            os.utime(os.path.join(self.path, "page.py"), ns=(0, len(word) + ord(word[1])))
            self.assertEqual(self.get("/page.py").rest, word.encode())

    def test_names_that_are_no_modules(self):
        self.write(".hidden.py", "def main(e, s): pass")
        os.mkdir(os.path.join(self.path, "folder.py"))
        for path in ("/none.py", "/.hidden.py", "/folder.py", "/a/b.py", "/../x.py", "/page", "/a\0.py", "/"):
            self.assertEqual(self.get(path).status, "HTTP/1.1 404 Not Found", path)

    def test_modules_that_do_not_load(self):
        self.write("broken.py", "import nothing_of_that_name")
        response = self.get("/broken.py")
        self.assertEqual(response.status, "HTTP/1.1 500 Internal Server Error")
        self.assertIn(
            "broken.py does not load: ModuleNotFoundError: No module named 'nothing_of_that_name'", response.log
        )
        self.write("empty.py", "def other(): pass")
        self.assertIn("empty.py has no application or main (callables there: other)", self.get("/empty.py").log)

    def test_a_module_that_does_not_load_keeps_no_request(self):
        self.write("broken.py", "import nothing_of_that_name")
        self.get("/broken.py")
        gc.collect()
        self.assertEqual([each for each in gc.get_objects() if type(each) is worker.Response], [])


class Loading(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        sys.path.insert(0, folder.name)
        self.addCleanup(sys.path.remove, folder.name)
        self.path = folder.name

    def load(self, name, text, callable_name=""):
        with open(os.path.join(self.path, name + ".py"), "w", encoding="utf-8") as file:
            file.write(text)
        self.addCleanup(sys.modules.pop, name, None)
        return worker.load_application(name, callable_name, False)

    def test_names(self):
        self.assertEqual(self.load("load_a", "def app(e, s): pass").name, "load_a:app")
        self.assertEqual(self.load("load_b", "def app(e, s): pass\napplication = app").name, "load_b:application")
        self.assertEqual(self.load("load_c", "class X:\n def y(e, s): pass\nx = X()", "x.y").name, "load_c:x.y")

    def test_failures(self):
        for name, text, wanted, reason, message in (
            ("load_d", "import nothing_there", "", "import", "ModuleNotFoundError: No module named 'nothing_there'"),
            ("load_e", "raise SystemExit(4)", "", "import", "SystemExit: 4"),
            ("load_f", "a b", "", "import", "SyntaxError: invalid syntax"),
            ("load_g", "application = 5", "", "callable", "application is of the type int"),
            ("load_h", "def other(): pass", "wanted", "name", "wanted"),
        ):
            with self.assertRaises(worker.LoadError) as raised:
                self.load(name, text, wanted)
            self.assertEqual((raised.exception.reason, str(raised.exception)), (reason, message))
        self.assertEqual(raised.exception.details, ["other"])

    def test_the_traceback_begins_in_the_module(self):
        with self.assertRaises(worker.LoadError) as raised:
            self.load("load_i", "def f():\n raise ValueError('deep')\nf()")
        lines = raised.exception.details
        self.assertIn("load_i.py", lines[1])
        self.assertEqual(lines[-1], "ValueError: deep")


class Listener:
    """A listening socket that keeps what it has accepted."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.accepted = []

    def fileno(self):
        return self.socket.fileno()

    def accept(self):
        connection, address = self.socket.accept()
        self.accepted.append(connection)
        return connection, address


class Life:
    is_over = False

    def look(self):
        pass


class Loop(unittest.TestCase):
    def test_a_default_timeout_of_the_application_is_not_that_of_requests(self):
        listener, life = Listener(), Life()
        self.addCleanup(listener.socket.close)
        timeouts = []

        def application(environ, start_response):
            timeouts.append(listener.accepted[0].gettimeout())
            life.is_over = True
            return hello(environ, start_response)

        client = socket.create_connection(listener.socket.getsockname())
        client.sendall(packet(VARIABLES))
        self.addCleanup(socket.setdefaulttimeout, None)
        socket.setdefaulttimeout(60)
        worker.Worker(listener, worker.Loaded(application, "module:application", False))._loop(0, life, ())
        self.assertEqual(Answer(receive(client), "").rest, b"Hello")
        client.close()
        self.assertEqual(timeouts, [None])


    def test_the_end_is_noticed_although_requests_wait(self):
        listener, life = Listener(), Life()
        self.addCleanup(listener.socket.close)
        woken, wake = os.pipe()
        self.addCleanup(os.close, woken)
        self.addCleanup(os.close, wake)
        os.write(wake, b"x")
        clients = [socket.create_connection(listener.socket.getsockname()) for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
            client.sendall(packet(VARIABLES))

        def look():
            life.is_over = True

        life.look = look
        worker.Worker(listener, worker.Loaded(hello, "module:application", False))._loop(0, life, (woken,))
        # No other worker was woken for the first.
        self.assertEqual(len(listener.accepted), 1)
        self.assertEqual(Answer(receive(clients[0]), "").rest, b"Hello")


class Watching(unittest.TestCase):
    def test_the_counter_is_odd_while_the_application_runs(self):
        counters = [0]
        watch = worker.Watch(counters, 0)
        seen = []
        for step in (watch.resume, watch.resume, watch.pause, watch.resume, watch.pause, watch.pause):
            step()
            seen.append(counters[0])
        self.assertEqual([each % 2 for each in seen], [1, 1, 0, 1, 0, 0])
        self.assertEqual(sorted(seen), seen)

    def test_the_counter_is_even_while_the_application_waits_for_the_server(self):
        counters = [0]
        seen = []

        class Connection:
            def sendall(self, data):
                seen.append(counters[0] % 2)

            def recv_into(self, buffer, count):
                seen.append(counters[0] % 2)
                return count

            def recv(self, count):
                seen.append(counters[0] % 2)
                return b""

            def shutdown(self, how):
                pass

        connection = Connection()
        watch = worker.Watch(counters, 0)
        watch.resume()
        response = worker.Response(connection, "GET", watch)
        response.start_response("200 OK", [])
        with open(__file__, "rb") as file:
            self.assertTrue(response.send_file(worker.FileWrapper(file)))
        worker.Content(connection, b"", 9, watch).read(9)
        self.assertEqual((seen, counters[0] % 2), ([0, 0, 0], 1))
        # A thread of the application goes on after its request.
        watch.pause()
        response.write(b"a")
        self.assertEqual(counters[0] % 2, 0)


class Orphan(unittest.TestCase):
    def test_a_worker_whose_parent_has_ended_loads_nothing(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket() as listener, tempfile.TemporaryFile() as counters:
            with open(os.path.join(folder, "endless.py"), "w", encoding="utf-8") as file:
                file.write("import time\ntime.sleep(1_000_000)\n")
            own, control = socket.socketpair()
            own.close()
            with control:
                fds = {"fd": listener.fileno(), "control": control.fileno(), "counters": counters.fileno()}
                named = {**fds, "folder": folder, "module": "endless"}
                arguments = [text for name, value in named.items() for text in (f"--{name}", str(value))]
                command = [sys.executable, worker.__file__, *arguments]
                ended = subprocess.run(command, pass_fds=tuple(fds.values()), timeout=60, check=False)
                self.assertEqual(ended.returncode, 0)


class Version(unittest.TestCase):
    def test_an_older_python_ends_without_a_message(self):
        # The server then asks for the version.
        with mock.patch.object(sys, "version_info", (3, 7, 16)):
            self.assertEqual(worker.main([]), 2)


if __name__ == "__main__":
    unittest.main()

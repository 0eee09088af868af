"""A small WSGI application for scripts/uwsgi.js, behind wsgiref.validate where that can stand in between."""

import hashlib
import os
import signal
from wsgiref.validate import validator


def respond(environ, start_response):
    path = environ["PATH_INFO"]
    text = [("Content-Type", "text/plain; charset=utf-8")]
    if path == "/sum":
        digest = hashlib.sha256()
        size = 0
        while True:
            piece = environ["wsgi.input"].read(65536)
            if not piece:
                break
            digest.update(piece)
            size += len(piece)
        body = f"{size} {digest.hexdigest()}".encode()
    elif path == "/stream":
        start_response("200 OK", text)
        return [b"x" * 10000 for _ in range(500)]
    elif path == "/not-modified":
        start_response("304 Not Modified", [("ETag", '"a"')])
        return []
    elif path == "/fail":
        raise RuntimeError("this application fails")
    elif path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        names = ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "wsgi.url_scheme"]
        body = " ".join(f"{name}={environ[name]}" for name in names).encode("latin-1")
    start_response("200 OK", text + [("Content-Length", str(len(body)))])
    return [body]


validated = validator(respond)


def application(environ, start_response):
    if environ["PATH_INFO"] in ("/die", "/fail", "/not-modified"):
        return respond(environ, start_response)
    return validated(environ, start_response)

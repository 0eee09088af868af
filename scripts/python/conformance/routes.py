"""The routes of examples/conformance.js as a WSGI application: what `epoll-server conform` asks for."""

import json
import time
from urllib.parse import parse_qs, unquote

MAX_BYTES = 64 * 1024 * 1024
LETTERS = [letter.encode() * 1000 for letter in "abcdefghij"]


def number(environ, name, most):
    text = parse_qs(environ["QUERY_STRING"]).get(name, ["0"])[0]
    return min(int(text) if text.isdigit() else 0, most)


def inspect(environ):
    length = len(environ["wsgi.input"].read())
    fields = [(key[5:].lower().replace("_", "-"), value) for key, value in environ.items() if key.startswith("HTTP_")]
    for key in ("CONTENT_LENGTH", "CONTENT_TYPE"):
        if environ[key] != "":
            fields.append((key.lower().replace("_", "-"), environ[key]))
    query = environ["QUERY_STRING"]
    target = environ["PATH_INFO"] + ("?" + query if query else "")
    seen = {"method": environ["REQUEST_METHOD"], "target": target, "headers": fields, "bodyLength": length}
    return "200 OK", [("Content-Type", "application/json")], [json.dumps(seen).encode()]


def slow(environ):
    time.sleep(number(environ, "ms", 60_000) / 1000)
    return "200 OK", [], [b"slow\n"]


def hello(environ):
    if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
        return "200 OK", [("Content-Type", "text/plain")], [b"hello\n"]
    return "405 Method Not Allowed", [("Allow", "GET, HEAD")], []


def asked_value(environ):
    query = environ["QUERY_STRING"]
    values = [part[2:] for part in query.split("&") if part.startswith("v=")]
    return unquote(values[0]) if values else ""


def fails(environ):
    raise ValueError("this route always fails")


ROUTES = {
    "/hello": hello,
    "/echo": lambda environ: ("200 OK", [], [environ["wsgi.input"].read()]),
    "/inspect": inspect,
    "/stream": lambda environ: ("200 OK", [("Content-Type", "text/plain")], iter(LETTERS)),
    "/slow": slow,
    "/bytes": lambda environ: ("200 OK", [], [b"x" * number(environ, "n", MAX_BYTES)]),
    "/ignore": lambda environ: ("200 OK", [], [b"ignored\n"]),
    "/setheader": lambda environ: ("200 OK", [("X-Val", asked_value(environ))], [b"set\n"]),
    "/status/204": lambda environ: ("204 No Content", [], []),
    "/status/304": lambda environ: ("304 Not Modified", [], []),
    "/throw": fails,
}


def application(environ, start_response):
    route = ROUTES.get(environ["PATH_INFO"])
    if route is None:
        start_response("404 Not Found", [])
        return [b"not found\n"]
    status, headers, body = route(environ)
    start_response(status, headers)
    return body

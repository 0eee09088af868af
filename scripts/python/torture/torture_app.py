"""An application that can be made to fail in each way in which one fails."""

import os
import resource
import time

LARGE = b"x" * 3_000_000
MEMORY_BYTES = int(os.environ.get("TORTURE_MEMORY_BYTES", "0"))
FILES = int(os.environ.get("TORTURE_FILES", "0"))
held = []

if MEMORY_BYTES:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
if FILES:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))


def application(environ, start_response):
    path = environ["PATH_INFO"]
    content = b"hello\n"
    if path == "/large":
        content = LARGE
    elif path == "/length":
        content = b"%d" % sum(len(piece) for piece in iter(lambda: environ["wsgi.input"].read(65_536), b""))
    elif path == "/memory":
        # Garbage of an exception must not keep it.
        content = b"%d" % len(bytearray(MEMORY_BYTES))
    elif path == "/leak":
        held.append(open(os.devnull))
    elif path == "/hang":
        time.sleep(3_600)
    elif path == "/die":
        os.kill(os.getpid(), 9)
    start_response("200 OK", [("Content-Length", str(len(content)))])
    return [content]

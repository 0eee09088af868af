"""An application with a large response, and a small one for everything else."""

import os

CONTENT = b"x" * int(os.environ["CONTENT_BYTES"])


def application(environ, start_response):
    environ["wsgi.input"].read()
    body = CONTENT if environ["PATH_INFO"] == "/large" else b"hello"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]

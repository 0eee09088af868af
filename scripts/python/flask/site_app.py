"""A small application of Flask, as its documentation writes them."""

import hashlib
import time

from flask import (
    Flask,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    session,
    url_for,
)

app = Flask(__name__)
app.secret_key = "only for this check"


@app.route("/")
def home():
    return render_template("home.html", name=session.get("name", "nobody"))


@app.route("/login", methods=["POST"])
def login():
    session["name"] = request.form["name"]
    return redirect(url_for("home"))


@app.route("/upload", methods=["POST"])
def upload():
    content = request.files["file"]
    digest = hashlib.sha256()
    size = 0
    for block in iter(lambda: content.stream.read(65536), b""):
        digest.update(block)
        size += len(block)
    return {"name": content.filename, "size": size, "sha256": digest.hexdigest()}


@app.route("/stream")
def stream():
    def lines():
        for number in range(5):
            yield f"line {number}\n"
            time.sleep(0.05)

    return Response(lines(), mimetype="text/plain")


@app.route("/file")
def file():
    return send_file(__file__, as_attachment=True, download_name="文件.py")


@app.route("/fail")
def fail():
    raise ValueError("on purpose")


@app.route("/secret")
def secret():
    abort(403)


@app.route("/environment/<path:rest>")
def environment(rest):
    names = ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_PROTOCOL", "REMOTE_ADDR")
    return {**{name: request.environ[name] for name in names}, "rest": rest, "url": request.url}


@app.route("/dump", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@app.route("/dump/<path:rest>")
def dump(rest=""):
    environ = {
        key: value if isinstance(value, (str, bool)) or key == "wsgi.version" else type(value).__name__
        for key, value in request.environ.items()
    }
    content = request.get_data()
    return {"environ": environ, "rest": rest, "content": content.decode("latin-1")}


@app.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def echo():
    return Response(request.get_data(), content_type=request.headers.get("Content-Type", "application/octet-stream"))


@app.route("/form", methods=["GET", "POST"])
def form():
    files = [
        [name, file.filename, file.mimetype, hashlib.sha256(file.read()).hexdigest()]
        for name, file in request.files.items(multi=True)
    ]
    return {
        "query": list(request.args.items(multi=True)),
        "form": list(request.form.items(multi=True)),
        "files": files,
        "cookies": request.cookies,
    }


@app.route("/status/<int:code>")
def status(code):
    return Response(b"" if code in (204, 304) else f"status {code}\n", status=code, mimetype="text/plain")


@app.route("/fields")
def fields():
    response = make_response("fields\n")
    for number in range(3):
        response.headers.add("X-Repeated", f"value {number}")
        response.set_cookie(f"cookie{number}", f"{number}; quoted", path="/fields", httponly=True)
    response.headers["X-Empty"] = ""
    response.headers["X-Latin"] = "caf\u00e9"
    response.headers["X-Long"] = "x" * 2000
    response.headers["Server"] = "of the application"
    response.headers["Vary"] = "Cookie, Accept"
    return response


@app.route("/count")
def count():
    session["count"] = session.get("count", 0) + 1
    return {"count": session["count"]}


@app.route("/moved/<int:code>")
def moved(code):
    return redirect("/\u6587?a=b#c", code)


@app.route("/folder/")
def folder():
    return "folder\n"


@app.route("/tagged")
def tagged():
    response = make_response("tagged\n")
    response.set_etag("a tag")
    response.last_modified = 1_600_000_000
    return response.make_conditional(request)


@app.route("/large/<int:size>")
def large(size):
    return Response(b"0123456789abcdef" * (size // 16), mimetype="application/octet-stream")


@app.route("/pieces/<int:size>")
def pieces(size):
    return Response((bytes([97 + number % 26]) * size for number in range(40)), mimetype="text/plain")


@app.route("/announced")
def announced():
    return Response(iter([b"12345", b"", b"67890"]), headers={"Content-Length": "10"}, mimetype="text/plain")


@app.route("/nothing")
def nothing():
    return Response(iter([]), mimetype="text/plain")


@app.route("/endless")
def endless():
    while True:
        if request.query_string == b"sleep":
            time.sleep(1)

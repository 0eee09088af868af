"""A small application of Flask, as its documentation writes them."""

import hashlib
import time

from flask import Flask, Response, abort, redirect, render_template, request, send_file, session, url_for

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

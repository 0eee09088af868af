"""The application of the tutorials for Pyramid."""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound
from pyramid.response import FileResponse, Response
from pyramid.session import SignedCookieSessionFactory


def hello_world(request):
    return Response("Hello world from Pyramid!\n", content_type="text/plain")


def dump(request):
    environ = {
        key: value if isinstance(value, (str, bool)) or key == "wsgi.version" else type(value).__name__
        for key, value in request.environ.items()
    }
    content = request.body
    return {"environ": environ, "rest": request.matchdict["rest"], "content": content.decode("latin-1")}


def form(request):
    return {"query": list(request.GET.items()), "form": [[name, str(value)] for name, value in request.POST.items()]}


def file(request):
    return FileResponse(__file__, request=request, content_type="text/x-python")


def moved(request):
    return HTTPFound(request.route_url("hello", _query={"a": "\u6587"}))


def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return {"count": request.session["count"]}


def stream(request):
    return Response(app_iter=(b"%d\n" % number for number in range(100)), content_type="text/plain")


def fail(request):
    raise ValueError("on purpose")


config = Configurator(session_factory=SignedCookieSessionFactory("only for this check"))
config.add_route("hello", "/hello")
config.add_view(hello_world, route_name="hello")
config.add_route("dump", "/dump/*rest")
config.add_view(dump, route_name="dump", renderer="json")
for view in (form, count):
    config.add_route(view.__name__, f"/{view.__name__}")
    config.add_view(view, route_name=view.__name__, renderer="json")
for view in (file, moved, stream, fail):
    config.add_route(view.__name__, f"/{view.__name__}")
    config.add_view(view, route_name=view.__name__)
config.add_route("posted", "/posted", request_method="POST")
config.add_view(hello_world, route_name="posted")
app = config.make_wsgi_app()

"""Views as the documentation of Django writes them."""

import hashlib

from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition, require_POST


@csrf_exempt
def dump(request, rest=""):
    environ = {
        key: value if isinstance(value, (str, bool)) or key == "wsgi.version" else type(value).__name__
        for key, value in request.environ.items()
    }
    content = request.body
    return JsonResponse({"environ": environ, "rest": rest, "content": content.decode("latin-1")})


@csrf_exempt
def upload(request):
    files = [
        [name, file.name, file.size, hashlib.sha256(file.read()).hexdigest()] for name, file in request.FILES.items()
    ]
    return JsonResponse({"form": dict(request.POST.lists()), "query": dict(request.GET.lists()), "files": files})


@csrf_exempt
@require_POST
def only_post(request):
    response = HttpResponse("posted\n", content_type="text/plain")
    response.set_cookie("a", "1", samesite="Lax")
    response.set_cookie("b", "2", secure=True)
    return response


def file(request):
    return FileResponse(open(__file__, "rb"), as_attachment=True, filename="\u6587.py")


def stream(request):
    return StreamingHttpResponse((f"{number}\n" for number in range(100)), content_type="text/plain")


@condition(etag_func=lambda request: '"a tag"')
def tagged(request):
    return HttpResponse("tagged\n")


def fail(request):
    raise ValueError("on purpose")


def empty(request):
    return HttpResponse(status=204)

"""The admin site, and a few views."""

from django.contrib import admin
from django.urls import path

from mysite import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("dump/", views.dump),
    path("dump/<path:rest>", views.dump),
    path("upload/", views.upload),
    path("only-post/", views.only_post),
    path("file/", views.file),
    path("stream/", views.stream),
    path("tagged/", views.tagged),
    path("fail/", views.fail),
    path("empty/", views.empty),
]

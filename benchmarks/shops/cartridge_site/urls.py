"""Cartridge's own addresses, and the pictures."""

from cartridge.project_template.project_name.urls import handler404, handler500, urlpatterns
from django.conf import settings
from django.urls import re_path
from django.views.static import serve

__all__ = ["handler404", "handler500", "urlpatterns"]

urlpatterns = [re_path(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}), *urlpatterns]

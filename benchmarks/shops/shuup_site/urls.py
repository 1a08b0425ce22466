"""Shuup's own addresses, and the pictures."""

from django.conf import settings
from django.conf.urls import url
from django.views.static import serve
from shuup_workbench.urls import urlpatterns

urlpatterns = [url(r"^media/(?P<path>.*)$", serve, {"document_root": settings.MEDIA_ROOT}), *urlpatterns]

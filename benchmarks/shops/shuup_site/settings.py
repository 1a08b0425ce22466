"""Settings of a shop on Shuup: its own workbench settings; SHOP_FOLDER says where its data lies.

Shuup 3.1 was written for Python 3.8 and django-enumfields 2.0; the first lines give it on Python 3.11 what moved since.
They touch nothing that a page is made of.
"""

import collections
import collections.abc
import os

for _name in ("Callable", "Hashable", "Iterable", "Mapping", "MutableMapping", "MutableSet", "Sequence", "Set"):
    setattr(collections, _name, getattr(collections.abc, _name))
os.environ["SHUUP_WORKBENCH_BASE_DIR"] = os.path.join(os.environ["SHOP_FOLDER"], "data")

from django.db.models.query_utils import DeferredAttribute  # noqa: E402
from enumfields import fields  # noqa: E402


class _CastOnAssign(DeferredAttribute):
    """The descriptor of an enum field, for Django 2.2."""

    def __init__(self, field):
        super().__init__(field.attname)
        self.field = field

    def __get__(self, obj, kind=None):
        return self if obj is None else super().__get__(obj, kind)

    def __set__(self, obj, value):
        obj.__dict__[self.field.name] = self.field.to_python(value)


fields.CastOnAssignDescriptor = _CastOnAssign

from shuup_workbench.settings import *  # noqa: E402, F403

DEBUG = False
ROOT_URLCONF = "urls"

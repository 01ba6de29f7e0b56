"""The read models that the modules of a package declare."""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from app.cqrs.documents.read_model import ReadModel
from app.cqrs.messages import Event


def read_models_in(package: ModuleType) -> Sequence[ReadModel]:
    """Return the read models in the modules of a package, sorted by module name."""
    names = sorted(each.name for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."))
    homes = [import_module(name) for name in names]
    return [each for home in homes for each in vars(home).values() if isinstance(each, ReadModel)]


def has_personal_data(model: ReadModel) -> bool:
    """Return whether documents may have personal data: then no backup has them in the open."""
    return not model.impersonal and any(each is Event or each.personal_fields for each in model.answers)

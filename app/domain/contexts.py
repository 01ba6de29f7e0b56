"""The contexts of the write side: each package next to this module is one."""

import app.domain
from app.cqrs import contexts

CONTEXTS = contexts.contexts_in(app.domain)

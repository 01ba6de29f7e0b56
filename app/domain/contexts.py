"""The contexts of the write side: every package beside this module is one."""

import app.domain
from app.cqrs import contexts

CONTEXTS = contexts.contexts_in(app.domain)

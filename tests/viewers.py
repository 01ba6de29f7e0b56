"""Viewers as a service that asks for tokens would have them."""

from uuid import UUID

from app.cqrs.viewers import Scope, Sight, Viewer

NOBODY = Viewer(actor="nobody", scope=Scope(Sight.ANONYMOUS))
BEA = Viewer(actor="bea", scope=Scope(Sight.STAFF))
OPAL = Viewer(actor="opal", scope=Scope(Sight.OPERATOR))


def customer(id: UUID | str) -> Viewer:
    """A customer, who is signed in under their id."""
    return Viewer(actor=f"customer {id}", scope=Scope(Sight.CUSTOMER, str(id)))

"""The viewer that the claims of a verified token describe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.access.settings import AccessSettings
from app.cqrs.viewers import ANONYMOUS, Scope, Sight, Unauthenticated, Viewer

LONGEST_NAME = 200
"""Characters of the longest actor, which events carry, and of the longest customer id."""

_SCOPES = {sight: Scope(sight) for sight in Sight} | {Sight.ANONYMOUS: ANONYMOUS.scope}
"""One scope for all viewers with a sight: keys of answers with the very same scope are compared faster."""

_LADDER = (Sight.OPERATOR, Sight.STAFF, Sight.CUSTOMER)


@dataclass(frozen=True, kw_only=True)
class ClaimNames:
    """The claims that say what a viewer may see, as this issuer writes them."""

    roles: str = "roles"
    """The claim with the roles: a list, or texts separated by spaces. `a.b` is the claim `b` within `a`."""
    customer: str = "customer"
    """The claim with the id of the customer that the viewer is."""
    sights: Mapping[str, Sight]
    """The sights of the issuer's roles, by name; other roles give none."""

    def viewer(
        self, claims: Mapping[str, Any], *, expires_at: float, issued_at: float | None = None
    ) -> Viewer:
        """Return the viewer; raise `Unauthenticated` if the claims contradict each other or are malformed.

        A viewer without a role that is known here sees what everybody sees.
        """
        actor = claims.get("sub")
        if not _is_name(actor) or actor == ANONYMOUS.actor:
            raise Unauthenticated("The token names nobody: its claim `sub` is not a name. Get a new one.")
        roles = {role for role in self._roles(claims) if role in self.sights}
        sights = {self.sights[role] for role in roles}
        sight = next((each for each in _LADDER if each in sights), Sight.ANONYMOUS)
        customer = self._customer(claims) if sight is Sight.CUSTOMER else None
        scope = _SCOPES[sight] if customer is None else Scope(sight, customer)
        return Viewer(
            actor=str(actor),
            scope=scope,
            roles=frozenset(roles),
            expires_at=expires_at,
            issued_at=issued_at,
        )

    def _roles(self, claims: Mapping[str, Any]) -> list[str]:
        given = claim(claims, self.roles)
        if given is None:
            return []
        roles = given.split() if isinstance(given, str) else given
        if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
            raise Unauthenticated(f"The token's claim `{self.roles}` is no list of roles. Get a new one.")
        return roles

    def _customer(self, claims: Mapping[str, Any]) -> str:
        given = claim(claims, self.customer)
        if not _is_name(given):
            raise Unauthenticated(
                f"The token is a customer's, and its claim `{self.customer}` names none. Get a new one."
            )
        try:
            return str(UUID(str(given)))  # in one form, as it is compared with owners of documents
        except ValueError:
            return str(given)


def claim_names(settings: AccessSettings) -> ClaimNames:
    """Return the names of the claims in the settings."""
    return ClaimNames(
        roles=settings.auth_roles_claim, customer=settings.auth_customer_claim, sights=settings.sights
    )


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return the claim with a name, or else that at this path of names with dots; `None` without one."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _is_name(given: object) -> bool:
    return isinstance(given, str) and 0 < len(given) <= LONGEST_NAME and given.isprintable()

"""The claims of an issuer become the viewer that they describe, and nothing more."""

from typing import Any
from uuid import UUID

import pytest

from app.access.claims import ClaimNames
from app.cqrs.viewers import Scope, Sight, Unauthenticated

SIGHTS = {"customer": Sight.CUSTOMER, "clerk": Sight.STAFF, "admin": Sight.OPERATOR}
ID = UUID("0190a1b2-0000-7000-8000-00000000000a")


def scope(names: ClaimNames | None = None, **claims: Any) -> Scope:
    names = names or ClaimNames(sights=SIGHTS)
    return names.viewer({"sub": "somebody", **claims}, expires_at=1).scope


@pytest.mark.parametrize(
    ("roles", "sight"),
    [
        (None, Sight.ANONYMOUS),
        ([], Sight.ANONYMOUS),
        ("", Sight.ANONYMOUS),
        (["unknown", "Operator", "operator", "ADMIN"], Sight.ANONYMOUS),
        (["clerk"], Sight.STAFF),
        ("openid clerk", Sight.STAFF),
        (["clerk", "admin", "customer"], Sight.OPERATOR),
    ],
)
def test_roles_give_the_greatest_of_their_sights_and_unknown_ones_none(roles: Any, sight: Sight) -> None:
    assert scope(roles=roles, customer=str(ID)) == Scope(sight)


@pytest.mark.parametrize("given", [str(ID), str(ID).upper(), ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}"])
def test_a_customer_is_named_in_one_form(given: str) -> None:
    assert scope(roles=["customer"], customer=given) == Scope(Sight.CUSTOMER, str(ID))


@pytest.mark.parametrize("given", [None, "", 7, ["a"], {}, "a\nb", "x" * 201])
def test_a_customer_without_an_id_is_refused(given: Any) -> None:
    with pytest.raises(Unauthenticated, match="names none"):
        scope(roles=["customer"], customer=given)


@pytest.mark.parametrize("given", [7, {"a": 1}, [1], [None], True])
def test_roles_that_are_no_list_are_refused(given: Any) -> None:
    with pytest.raises(Unauthenticated, match="no list of roles"):
        scope(roles=given)


@pytest.mark.parametrize("given", [None, "", 7, "anonymous", "a\tb", "x" * 201, ["a"]])
def test_a_token_that_names_nobody_is_refused(given: Any) -> None:
    with pytest.raises(Unauthenticated, match="names nobody"):
        scope(sub=given)


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["clerk"]}}),
        ("https://shop.example/roles", {"https://shop.example/roles": ["clerk"]}),
        ("scope", {"scope": "openid clerk"}),
        ("a.b.c", {"a": {"b": {"c": "clerk"}}}),
    ],
)
def test_claims_are_found_by_their_name_or_their_path(name: str, claims: dict[str, Any]) -> None:
    assert scope(ClaimNames(roles=name, sights=SIGHTS), **claims) == Scope(Sight.STAFF)


@pytest.mark.parametrize("claims", [{"a": 1}, {"a": ["b"]}, {"a": None}, {"a": {"b": {}}}, {}])
def test_a_path_that_leads_nowhere_gives_no_role(claims: dict[str, Any]) -> None:
    names = ClaimNames(roles="a.b.c", sights=SIGHTS)
    assert scope(names, **claims) == Scope(Sight.ANONYMOUS)

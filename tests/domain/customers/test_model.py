from typing import Any
from uuid import UUID

import pytest

from app.cqrs.commands.outcomes import Decision, InvalidInput
from app.domain.customers import model
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.events import CustomerClosed, CustomerDetails, CustomerRegistered, CustomerUpdated
from app.domain.customers.refusals import CustomerIsClosed, DuplicateEmail
from app.values import PostalAddress, email_key
from tests.domain.given import Rules

ADA, BOB = UUID(int=1), UUID(int=2)
TAKEN = "taken@example.com"
HOME = PostalAddress(street="1 Main St", city="London", country="UK")
REGISTERED = CustomerRegistered(
    customer_id=ADA,
    personal=CustomerDetails(name="Ada", company="Engines", email="Ada@example.com", address=HOME),
)
CLOSED = CustomerClosed(customer_id=ADA)


def _holder(command: RegisterCustomer | UpdateCustomer) -> UUID | None:
    return BOB if email_key(command.email) == TAKEN else None


def _register(_state: None, command: RegisterCustomer, _now: object) -> Decision:
    return model.register(command, ADA, _holder(command))


def _update(customer: model.Customer, command: UpdateCustomer, now: Any) -> Decision:
    return model.update(customer, command, now, holder=_holder(command))


customers = Rules(
    model.evolve, {RegisterCustomer: _register, UpdateCustomer: _update, CloseCustomer: model.close}
)


def test_a_customer_is_registered() -> None:
    register = RegisterCustomer(name=" Ada ", company="Engines", email=" Ada@example.com", address=HOME)
    customers.given().when(register).then(REGISTERED)


def test_a_name_is_all_it_takes() -> None:
    register = RegisterCustomer(name="Ada", company=" ", email="", phone=" ")
    customers.given().when(register).then(
        CustomerRegistered(customer_id=ADA, personal=CustomerDetails(name="Ada"))
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("company", "x" * 201),
        ("phone", "1" * 51),
        *(
            ("email", email)
            for email in ("ada", "ada@", "@example.com", "a b@c.de", "ada@example", "a@b@c.de")
        ),
        ("email", "x" * 250 + "@c.de"),
        ("email", "ada@c..de"),
        ("email", "ada@c.de\x00"),
    ],
)
def test_refuses_bad_details(field: str, value: str) -> None:
    bad: dict[str, Any] = {field: value}
    register = RegisterCustomer(**{"name": "Ada", **bad})
    customers.given().when(register).then_refused(InvalidInput, at=(field,))
    update = UpdateCustomer(customer_id=ADA, **bad)
    customers.given(REGISTERED).when(update).then_refused(InvalidInput, at=(field,))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("street", ""),
        ("street", "x" * 501),
        ("city", " "),
        ("city", "x" * 201),
        ("country", ""),
        ("country", "x" * 101),
        ("region", "x" * 101),
        ("postal_code", "1" * 31),
        ("recipient", "x" * 201),
    ],
)
def test_refuses_an_address_where_no_parcel_arrives(part: str, value: str) -> None:
    bad: dict[str, Any] = {"street": "1 Main St", "city": "London", "country": "UK", part: value}
    register = RegisterCustomer(name="Ada", address=PostalAddress(**bad))
    customers.given().when(register).then_refused(InvalidInput, at=("address", part))


def test_every_problem_is_reported_at_once() -> None:
    nowhere = PostalAddress(street="", city="", country="")
    errors = (
        customers.given()
        .when(RegisterCustomer(name="", email="x", address=nowhere))
        .then_refused(*[InvalidInput] * 5)
    )
    assert errors[0].message == "Name must not be empty."
    assert errors[1].message == "Email must look like name@example.com."
    assert [error.path[-1] for error in errors] == ["name", "email", "street", "city", "country"]


def test_refuses_an_email_that_another_customer_has() -> None:
    register = RegisterCustomer(name="Ada", email=" Taken@Example.com")
    (error,) = customers.given().when(register).then_refused(DuplicateEmail, at=("email",))
    assert isinstance(error, DuplicateEmail)
    assert (error.email, error.customer_id) == ("Taken@Example.com", BOB)
    update = UpdateCustomer(customer_id=ADA, email=TAKEN)
    customers.given(REGISTERED).when(update).then_refused(DuplicateEmail)


def test_an_update_keeps_what_is_unset_and_removes_what_is_none() -> None:
    update = UpdateCustomer(customer_id=ADA, company=None, phone="+44 1", address=None)
    customers.given(REGISTERED).when(update).then(
        CustomerUpdated(
            customer_id=ADA, personal=CustomerDetails(name="Ada", email="Ada@example.com", phone="+44 1")
        )
    )


def test_an_update_without_a_difference_changes_nothing() -> None:
    update = UpdateCustomer(customer_id=ADA, name="Ada ", email="Ada@example.com", address=HOME)
    customers.given(REGISTERED).when(update).then_nothing_happens()


def test_a_customer_is_closed_once() -> None:
    customers.given(REGISTERED).when(CloseCustomer(customer_id=ADA)).then(CLOSED)
    customers.given(REGISTERED, CLOSED).when(CloseCustomer(customer_id=ADA)).then_nothing_happens()


def test_nothing_personal_is_left_of_a_closed_customer() -> None:
    assert customers.given(REGISTERED, CLOSED).state == model.Customer(id=ADA, version=2, details=None)


def test_refuses_to_update_a_closed_customer() -> None:
    update = UpdateCustomer(customer_id=ADA, name="Ada Lovelace")
    customers.given(REGISTERED, CLOSED).when(update).then_refused(CustomerIsClosed, at=("customer_id",))


def test_an_event_that_cannot_happen_is_a_bug() -> None:
    with pytest.raises(TypeError, match="can't happen"):
        model.evolve(None, CLOSED)

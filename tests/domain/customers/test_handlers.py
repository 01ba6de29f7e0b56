from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.cqrs.commands.outcomes import NotFound, VersionConflict
from app.cqrs.messages import Command
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.refusals import CustomerIsClosed, DuplicateEmail
from app.domain.customers.tables import customers
from app.values import PostalAddress
from tests.domain.shop import Shop

NOBODY = UUID(int=7)
HOME = PostalAddress(street="1 Main St", city="London", country="UK", recipient="Room 4")


async def test_a_customer_is_kept_as_their_events_tell_it(shop: Shop) -> None:
    ada = await shop.customer(name="آدا ❤", company="Engines", email="ada@example.com", address=HOME)
    await shop.accept(UpdateCustomer(customer_id=ada, phone="1", company=None))
    customer = await shop.load("customer", ada)
    assert (customer.details.name, customer.details.address, customer.version) == ("آدا ❤", HOME, 2)
    await shop.check()


async def test_refuses_an_email_that_another_customer_has_whatever_its_case(shop: Shop) -> None:
    ada = await shop.customer(email="Ada@Example.com")
    (error,) = await shop.refuse(RegisterCustomer(name="Eve", email="aDA@example.com"))
    assert isinstance(error, DuplicateEmail)
    assert error.customer_id == ada
    eve = await shop.customer(email="eve@example.com")
    (error,) = await shop.refuse(UpdateCustomer(customer_id=eve, email="ada@example.COM"))
    assert isinstance(error, DuplicateEmail)
    assert await shop.count(customers) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9@example.com", "cafe\u0301@example.com"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
    ],
)
async def test_one_email_in_two_spellings_is_registered_once(shop: Shop, one: str, other: str) -> None:
    ada = await shop.customer(email=one)
    (error,) = await shop.refuse(RegisterCustomer(name="Eve", email=other))
    assert isinstance(error, DuplicateEmail)
    assert error.customer_id == ada


async def test_two_customers_who_shared_an_email_before_can_both_be_changed_and_closed(shop: Shop) -> None:
    """Its two forms were two addresses once: the younger one's row has a key that leads nowhere."""
    ada = await shop.customer(email="caf\u00e9@example.com")
    eve = await shop.customer(email="eve@example.com")
    async with shop.engines.writing.begin() as connection:
        stored = {"email": "cafe\u0301@example.com", "email_key": "cafe\u0301@example.com"}
        await connection.execute(update(customers).where(customers.c.id == eve).values(**stored))
    for customer in (ada, eve):
        await shop.accept(UpdateCustomer(customer_id=customer, phone="1"))
    (error,) = await shop.refuse(UpdateCustomer(customer_id=eve, email="caf\u00e9@example.com"))
    assert isinstance(error, DuplicateEmail)
    await shop.accept(UpdateCustomer(customer_id=eve, email="eve@example.com"))
    await shop.accept(CloseCustomer(customer_id=ada))
    await shop.accept(UpdateCustomer(customer_id=eve, email="cafe\u0301@example.com"))


async def test_a_customer_may_respell_their_own_email(shop: Shop) -> None:
    ada = await shop.customer(email="ada@example.com")
    await shop.accept(UpdateCustomer(customer_id=ada, email="Ada@Example.com"))


async def test_many_customers_may_have_no_email(shop: Shop) -> None:
    await shop.customer()
    await shop.customer(email=" ")


async def test_closing_forgets_the_person_and_frees_the_email(shop: Shop) -> None:
    ada = await shop.customer(company="Engines", email="ada@example.com", phone="1", address=HOME)
    await shop.accept(CloseCustomer(customer_id=ada))
    assert not (await shop.accept(CloseCustomer(customer_id=ada))).events
    async with shop.engines.reading.connect() as connection:
        row = (await connection.execute(select(customers))).mappings().one()
    assert {name for name, value in row.items() if value is not None} == {"id", "version"}
    await shop.customer(email="ada@example.com")
    await shop.check()


async def test_refuses_to_update_a_closed_customer(shop: Shop) -> None:
    ada = await shop.customer()
    await shop.accept(CloseCustomer(customer_id=ada))
    (error,) = await shop.refuse(UpdateCustomer(customer_id=ada, name="Eve"))
    assert isinstance(error, CustomerIsClosed)


@pytest.mark.parametrize(
    "command", [UpdateCustomer(customer_id=NOBODY, name="Ada"), CloseCustomer(customer_id=NOBODY)]
)
async def test_refuses_to_change_a_customer_who_does_not_exist(shop: Shop, command: Command) -> None:
    (error,) = await shop.refuse(command)
    assert isinstance(error, NotFound)
    assert (error.kind, error.path) == ("customer", ("customer_id",))


async def test_refuses_a_version_other_than_the_expected_one(shop: Shop) -> None:
    ada = await shop.customer()
    (error,) = await shop.refuse(UpdateCustomer(customer_id=ada, name="Eve", expected_version=2))
    assert isinstance(error, VersionConflict)
    assert error.current_version == 1


async def test_text_that_has_no_bytes_is_refused_like_any_other_bad_text(shop: Shop) -> None:
    (error,) = await shop.refuse(RegisterCustomer(name="Ada", email="\ud800@example.com"))
    assert error.path == ("email",)

"""Commands to customers."""

from typing import cast

import strawberry
from msgspec import UNSET, UnsetType

from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.graphql.execution.context import Info
from app.read_models.customer_overview import customers
from app.values import PostalAddress
from schema.circle.ids import key_of
from schema.circle.sending import ChangeInput, CommandInput, Input, Payload, send
from schema.customers import Customer
from schema.values import AddressInput


@strawberry.input(description="Someone who may order.")
class RegisterCustomerInput(CommandInput):
    """The input of `registerCustomer`."""

    name: str = strawberry.field(description="Up to 200 characters.")
    company: str | None = strawberry.field(default=None, description="Up to 200 characters.")
    email: str | None = strawberry.field(default=None, description="Unique, where it is given.")
    phone: str | None = strawberry.field(default=None, description="Up to 50 characters.")
    address: AddressInput | None = strawberry.field(default=None, description="Where parcels go.")


@strawberry.input(description="A customer's new details: what is left out stays, null removes it.")
class UpdateCustomerInput(ChangeInput):
    """The input of `updateCustomer`."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="Can't be removed.")
    company: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 200 characters.")
    email: str | None = strawberry.field(default=strawberry.UNSET, description="Unique.")
    phone: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 50 characters.")
    address: AddressInput | None = strawberry.field(
        default=strawberry.UNSET, description="Where parcels go; replaces the whole address."
    )

    def command(self) -> UpdateCustomer:
        """The command that this asks for."""
        return UpdateCustomer(
            customer_id=key_of("Customer", self.customer_id, ("customer_id",)),
            name=UNSET if self.name is strawberry.UNSET else self.name or "",
            company=_given(self.company),
            email=_given(self.email),
            phone=_given(self.phone),
            address=self._address(),
            expected_version=self.expected_version,
        )

    def _address(self) -> PostalAddress | UnsetType | None:
        if self.address is strawberry.UNSET:
            return UNSET
        return self.address.value() if self.address else None


@strawberry.input(description="A customer with whom the business has ended.")
class CloseCustomerInput(ChangeInput):
    """The input of `closeCustomer`."""

    customer_id: strawberry.ID = strawberry.field(description="Which customer.")


@strawberry.type
class CustomerPayload(Payload):
    """What every mutation of a customer answers with."""

    @strawberry.field(description="The customer with this change; null when it was refused.")
    async def customer(self, info: Info) -> Customer | None:
        """Waits for the read model, only where it is asked for."""
        return cast("Customer | None", await self.read_back(info, customers))


@strawberry.type(description="What came of `registerCustomer`.")
class RegisterCustomerPayload(CustomerPayload):
    """The new customer."""


@strawberry.type(description="What came of `updateCustomer`.")
class UpdateCustomerPayload(CustomerPayload):
    """The customer as they are now."""


@strawberry.type(description="What came of `closeCustomer`.")
class CloseCustomerPayload(CustomerPayload):
    """The customer, without their personal data."""


@strawberry.type
class CustomersMutation:
    """Mutations of customers."""

    @strawberry.mutation(description="Makes someone known who may order.")
    async def register_customer(
        self, info: Info, input: Input[RegisterCustomerInput]
    ) -> RegisterCustomerPayload | None:
        """Becomes `RegisterCustomer`."""
        command = RegisterCustomer(
            name=input.name,
            company=input.company,
            email=input.email,
            phone=input.phone,
            address=input.address.value() if input.address else None,
        )
        return await send(info, RegisterCustomerPayload, "customer", input.command_id, lambda: command)

    @strawberry.mutation(description="Changes a customer's details.")
    async def update_customer(
        self, info: Info, input: Input[UpdateCustomerInput]
    ) -> UpdateCustomerPayload | None:
        """Becomes `UpdateCustomer`."""
        return await send(info, UpdateCustomerPayload, "customer", input.command_id, input.command)

    @strawberry.mutation(description="Ends the business with a customer, and drops their personal data.")
    async def close_customer(
        self, info: Info, input: Input[CloseCustomerInput]
    ) -> CloseCustomerPayload | None:
        """Becomes `CloseCustomer`."""
        return await send(
            info,
            CloseCustomerPayload,
            "customer",
            input.command_id,
            lambda: CloseCustomer(
                customer_id=key_of("Customer", input.customer_id, ("customer_id",)),
                expected_version=input.expected_version,
            ),
        )


def _given(text: str | None) -> str | UnsetType | None:
    return UNSET if text is strawberry.UNSET else text

from functools import partial

from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import Refused
from app.cqrs.contexts import context_of
from app.domain.customers import model, tables
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.model import Customer
from app.stores.sql.transactions import SqlWork

customers = Aggregate(kind="customer", evolve=model.evolve, load=tables.load, save=tables.save)


async def register_customer(command: RegisterCustomer, work: SqlWork) -> Refused | Customer:
    """Register a customer, or refuse the e-mail address if another customer has it."""
    customer_id = uuid7()
    holder = await tables.holder_of(work, command.email)
    return await customers.create(work, customer_id, model.register(command, customer_id, holder))


async def update_customer(command: UpdateCustomer, work: SqlWork) -> Refused | Customer:
    """Change a customer's details, or refuse the e-mail address if another customer has it."""
    holder = await tables.holder_of(work, command.email)
    return await customers.change(work, command, partial(model.update, holder=holder))


CONTEXT = context_of(
    __name__,
    handlers={
        RegisterCustomer: register_customer,
        UpdateCustomer: update_customer,
        CloseCustomer: customers.changed_by(model.close),
    },
    aggregates=[customers],
)

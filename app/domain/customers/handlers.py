from functools import partial
from uuid import UUID

from uuid_utils.compat import uuid7

from app.cqrs.commands.aggregates import Aggregate
from app.cqrs.commands.outcomes import Refused
from app.cqrs.contexts import context_of
from app.domain.customers import model, tables
from app.domain.customers.commands import CloseCustomer, ForgetCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.model import Customer
from app.domain.orders import published as orders
from app.stores.sql.transactions import SqlWork

customers = Aggregate(
    kind="customer",
    evolve=model.evolve,
    load=tables.load,
    save=tables.save,
    ids=tables.ids,
)


async def register_customer(command: RegisterCustomer, work: SqlWork) -> Refused | Customer:
    """Register a customer, or refuse the e-mail address if another customer has it."""
    customer_id = uuid7()
    holder = await tables.holder_of(work, command.email)
    return await customers.create(work, customer_id, model.register(command, customer_id, holder))


async def update_customer(command: UpdateCustomer, work: SqlWork) -> Refused | Customer:
    """Change a customer's details, or refuse the e-mail address if another customer has it."""
    holder = await tables.holder_of(work, command.email)
    return await customers.change(work, command, partial(model.update, holder=holder))


async def forget_customer(command: ForgetCustomer, work: SqlWork) -> Refused | Customer:
    """Forget a customer, or refuse that because of open orders, which need the shipping address."""
    await tables.look_up(work, command.customer_id)  # From here on nobody places another order for them.
    open_orders = 0
    if not command.despite_open_orders:
        open_orders = await orders.open_orders(work, command.customer_id)
    forgotten = await work.has_forgotten(command.customer_id)
    decide = partial(model.forget, forgotten=forgotten, open_orders=open_orders)
    return await customers.change(work, command, decide)


def forgetting(customer_id: UUID) -> ForgetCustomer:
    """Return the command that forgets somebody again who was forgotten before the log was set back."""
    return ForgetCustomer(customer_id=customer_id, despite_open_orders=True)


CONTEXT = context_of(
    __name__,
    handlers={
        RegisterCustomer: register_customer,
        UpdateCustomer: update_customer,
        CloseCustomer: customers.changed_by(model.close),
        ForgetCustomer: forget_customer,
    },
    aggregates=[customers],
    forgetting=forgetting,
)

"""Mutations of customers."""

from app.domain.customers import refusals
from app.domain.customers.commands import CloseCustomer, ForgetCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.rules import RULES
from app.read_models.customer_overview import CustomerOrder, customer_page
from schema.circle.commands.mutations import mutations
from schema.circle.commands.payloads import ListedIn, Lists
from schema.circle.parts import Part
from schema.customers import Customer

COMMANDS = (RegisterCustomer, UpdateCustomer, CloseCustomer, ForgetCustomer)

LISTS: Lists = {Customer: ListedIn(name="`customers`", listing=customer_page({}, CustomerOrder.NAME))}

PART = Part(
    mutation=mutations(Customer, *COMMANDS, rules=RULES, lists=LISTS),
    refusals=refusals,
)

"""Mutations of customers."""

from app.domain.customers import refusals
from app.domain.customers.commands import CloseCustomer, RegisterCustomer, UpdateCustomer
from app.domain.customers.rules import RULES
from schema.circle.commands.mutations import mutations
from schema.circle.parts import Part
from schema.customers import Customer

PART = Part(
    mutation=mutations(Customer, RegisterCustomer, UpdateCustomer, CloseCustomer, rules=RULES),
    refusals=refusals,
)

"""Senders of the commands of customers."""

from app.cqrs.commands.rules import Rules, customers_or, naming_themselves, only
from app.cqrs.viewers import Sight
from app.domain.customers.commands import CloseCustomer, ForgetCustomer, RegisterCustomer, UpdateCustomer

RULES: Rules = {
    RegisterCustomer: only(Sight.STAFF),
    UpdateCustomer: customers_or(Sight.STAFF, naming_themselves("customer")),
    CloseCustomer: customers_or(Sight.STAFF, naming_themselves("customer")),
    ForgetCustomer: only(Sight.OPERATOR),
}

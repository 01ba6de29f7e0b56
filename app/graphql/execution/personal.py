"""Subscriptions whose items depend on the actor, and not only on what a scope may see."""

from collections.abc import Mapping

import strawberry

BY_ACTOR: Mapping[str, bool] = {"by_actor": True}
"""The metadata of such a subscription; viewers who share a scope do not share its executions."""


def fields_by_actor(schema: strawberry.Schema) -> frozenset[str]:
    """Return the names of the subscriptions that are declared with `BY_ACTOR`."""
    subscriptions = schema.get_type_by_name("Subscription")
    fields = getattr(subscriptions, "fields", ())
    name_of = schema.config.name_converter.get_graphql_name
    return frozenset(name_of(field) for field in fields if BY_ACTOR.items() <= field.metadata.items())

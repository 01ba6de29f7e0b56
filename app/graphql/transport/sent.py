"""The operation in what a client has sent over any transport."""

from collections.abc import Mapping
from typing import Any

from app.graphql.admission.persisted import NotAccepted, Texts
from app.graphql.execution.operation import Operation, problem_with_length, tokens_in, traceparent_in


def operation_in(sent: Mapping[str, Any], texts: Texts) -> Operation:
    """Return the operation, whose parts have valid types; raise `NotAccepted`, also for a long text."""
    text = texts.text_of(sent)
    if problem := problem_with_length(text):
        raise NotAccepted(problem, "LIMIT_EXCEEDED")
    return Operation(
        query=text,
        variables=sent.get("variables"),
        operation_name=sent.get("operationName") or None,  # Some clients send an empty one for none.
        tokens=tokens_in(sent),
        traceparent=traceparent_in(sent),
    )

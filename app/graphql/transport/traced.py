"""The endpoint of a service that traces a part of its operations, and tosses one coin for the others."""

from time import time_ns
from typing import Any

from starlette.types import ASGIApp

from app.cqrs.measured.sampling import place_in
from app.cqrs.measured.tracing import WITH_ERRORS, Tracing
from app.graphql.execution.operation import Operation
from app.graphql.execution.results import has_errors
from app.graphql.measured.operation_names import operation_in_text
from app.graphql.transport.http import GraphQLEndpoint, ReadHeaders
from app.graphql.transport.http_requests import GraphQLRequest
from app.graphql.transport.responses.answer import Answer
from app.graphql.transport.senders.callers import Client


class TracedEndpoint(GraphQLEndpoint):
    """An endpoint that continues the trace of a request's header `traceparent`, or begins one."""

    def __init__(self, *given: Any, tracing: Tracing, **options: Any) -> None:
        super().__init__(*given, tracing=tracing, **options)
        self._traces = tracing
        self._samples = tracing.samples
        self._untraced = tracing.gap()
        """The number of answers at once up to the next one that is traced, which is counted."""

    def answer_at_once(self, headers: ReadHeaders, body: bytes, client: Client = None) -> Answer | None:
        """Return the cached answer to a POST request; `None` if the request may have to wait."""
        self._untraced -= 1
        if self._untraced and headers.place is None:  # `super()` would take longer than this.
            return GraphQLEndpoint.answer_at_once(self, headers, body, client)
        if headers.place is None:
            self._untraced = self._traces.gap()
        else:
            self._untraced += 1
            if not self._samples(headers.place):
                return super().answer_at_once(headers, body, client)
        began = time_ns()
        answer = super().answer_at_once(headers, body, client)
        operation = self._requests.cached(body)
        if answer and operation:  # Otherwise the coin is tossed again when the request is answered.
            kind, name = operation_in_text(operation.query, operation.operation_name)
            self._traces.answered_at_once(kind, name, parent=headers.place, began=began)
        return answer

    async def _respond(self, request: GraphQLRequest, operation: Operation) -> ASGIApp:
        place = place_in(request.traceparent)
        if not self._samples(place):
            return await super()._respond(request, operation)
        kind, name = operation_in_text(operation.query, operation.operation_name)
        with self._traces.operation(kind, name, parent=place) as span:
            response = await super()._respond(request, operation)
            if isinstance(response, Answer) and has_errors(response.body):
                span.fail(WITH_ERRORS)
        return response

"""The endpoint of a service that traces a part of its operations, and tosses one coin for the others."""

from time import time_ns

from starlette.types import ASGIApp

from app.cqrs.measured.sampling import place_in
from app.graphql.execution.operation import Operation
from app.graphql.measured.operation_names import operation_in_text
from app.graphql.transport.http import GraphQLEndpoint, ReadHeaders
from app.graphql.transport.http_requests import GraphQLRequest
from app.graphql.transport.responses.answer import Answer
from app.graphql.transport.senders.callers import Client


class TracedEndpoint(GraphQLEndpoint):
    """An endpoint that continues the trace of a request's header `traceparent`, or begins one."""

    def answer_at_once(self, headers: ReadHeaders, body: bytes, client: Client = None) -> Answer | None:
        """Return the cached answer to a POST request; `None` if the request may have to wait."""
        place = headers.place
        assert self._tracing
        if not self._tracing.samples(place):
            return super().answer_at_once(headers, body, client)
        began = time_ns()
        answer = super().answer_at_once(headers, body, client)
        operation = self._requests.cached(body)
        if answer and operation:  # Otherwise the coin is thrown again when the request is answered.
            kind, name = operation_in_text(operation.query, operation.operation_name)
            with self._tracing.operation(kind, name, parent=place, began=began) as span:
                span.note({"diptych.answer": "kept"})
        return answer

    async def _respond(self, request: GraphQLRequest, operation: Operation) -> ASGIApp:
        place = place_in(request.traceparent)
        assert self._tracing
        if not self._tracing.samples(place):
            return await super()._respond(request, operation)
        kind, name = operation_in_text(operation.query, operation.operation_name)
        with self._tracing.operation(kind, name, parent=place):
            return await super()._respond(request, operation)

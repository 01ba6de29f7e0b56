"""What each client library can do, as the tests see it."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).parent
GENERATED = HERE / ".generated"
OPERATIONS = HERE / "operations.graphql"
SCHEMA = HERE.parents[1] / "schema" / "schema.graphql"
NPM_PACKAGE = HERE.parents[1] / "schema" / "typescript"


class Client(Protocol):
    """A client library that knows the operations by their names."""

    async def query(self, name: str, /, *, echo: bool = True, **variables: object) -> Any:
        """The value of the query's only field; with `echo`, it sends the latest consistency token."""
        ...

    async def mutate(self, name: str, /, **input: object) -> Any:
        """The mutation's payload, whatever is in it."""
        ...

    def follow(self, name: str, /, **variables: object) -> AsyncGenerator[Any, None]:
        """The subscription's items without an end, whatever becomes of the service in between."""
        ...

import importlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from types import ModuleType

import pytest

from tests.clients.client import GENERATED, HERE, NPM_PACKAGE, OPERATIONS, SCHEMA, Client
from tests.clients.puppet import puppet
from tests.clients.python_clients import GqlClient, ariadne_client
from tests.clients.shop import Shop, open_shop
from tests.node import NpmProject, install_package, installed
from tests.programs import once, run


@pytest.fixture(scope="session")
async def node() -> NpmProject:
    """The libraries and tools in JavaScript; whoever has no node can run all other tests."""
    return await installed(HERE)


@pytest.fixture(scope="session")
async def relay_artifacts(node: NpmProject) -> NpmProject:
    """Node, with what relay-compiler makes of the pages in `relay/`."""
    artifacts = GENERATED / "relay"
    pages = sorted((HERE / "relay").glob("*.js"))
    with once(artifacts, SCHEMA, *pages, HERE / "package-lock.json") as wanted:
        if wanted:
            artifacts.mkdir(exist_ok=True)
            await node.use("relay-compiler")
    return node


@pytest.fixture(scope="session")
async def npm_package(node: NpmProject) -> NpmProject:
    """Node, with the npm package of this repository among its packages: built, packed and unpacked."""
    installed = HERE / "node_modules" / "diptych-client"
    sources = [*NPM_PACKAGE.glob("*.*"), *NPM_PACKAGE.glob("src/*")]
    with once(installed, HERE / "package-lock.json", *sorted(sources)) as wanted:
        if wanted:
            await install_package(node, NPM_PACKAGE, installed)
    return node


@pytest.fixture(scope="session")
async def written_pages(npm_package: NpmProject) -> NpmProject:
    """Node and the npm package, with what graphql-codegen and relay-compiler make of the TypeScript here."""
    pages, settings = HERE / "pages", HERE / "codegen.json"
    sources = [SCHEMA, HERE / "package-lock.json", *sorted(pages.glob("src/*.tsx"))]
    typed, artifacts = GENERATED / "codegen", GENERATED / "pages"
    with once(typed, settings, *sources, *sorted(HERE.glob("typescript/*.ts"))) as wanted:
        if wanted:
            await npm_package.use("graphql-codegen", "--config", settings.name, "--silent")
    with once(artifacts, pages / "relay.config.json", *sources) as wanted:
        if wanted:
            artifacts.mkdir(exist_ok=True)
            await npm_package.use("relay-compiler", "pages/relay.config.json")
    return npm_package


@pytest.fixture(scope="session")
async def generated_client() -> ModuleType:
    """What ariadne-codegen makes of the schema and `operations.graphql`."""
    requirements, settings = HERE / "ariadne-codegen.txt", HERE / "ariadne-codegen.toml"
    generator, client = GENERATED / "ariadne-codegen", GENERATED / "ariadne_client"
    with once(generator, requirements) as wanted:
        if wanted:
            pip = (sys.executable, "-m", "pip", "install", "--require-hashes", "--upgrade", "--requirement")
            target = ("--target", str(generator))
            await run(*pip, str(requirements), *target, cwd=HERE, PIP_DISABLE_PIP_VERSION_CHECK="1")
    with once(client, SCHEMA, OPERATIONS, settings, requirements) as wanted:
        if wanted:
            command = (sys.executable, "-m", "ariadne_codegen", "--config", str(settings))
            await run(*command, cwd=HERE, PYTHONPATH=str(generator))
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(GENERATED)
        return importlib.import_module(client.name)


@pytest.fixture(scope="session")
async def opened_shop(tmp_path_factory: pytest.TempPathFactory, mongo_url: str) -> AsyncIterator[Shop]:
    """A shop that is killed now and then."""
    async with open_shop(tmp_path_factory.mktemp("clients"), mongo_url) as shop:
        yield shop


@pytest.fixture
async def shop(opened_shop: Shop) -> Shop:
    """The shop, which serves also after a test that killed it and then failed."""
    if opened_shop.service.process.returncode is not None:
        await opened_shop.start()
    return opened_shop


LIBRARIES = ("apollo", "urql", "relay", "graphql-ws", "graphql-sse", "gql", "ariadne")

BY_LIBRARY = ("library/apollo", "library/urql", "library/relay", "library/sockets")
"""The same clients with the npm package of this repository, as its users have them."""


@pytest.fixture(params=[*LIBRARIES, *BY_LIBRARY])
def library(request: pytest.FixtureRequest) -> Callable[[str], AbstractAsyncContextManager[Client]]:
    """Each client library in turn: how it is connected to a URL."""
    name: str = request.param
    if name == "gql":
        return lambda url: nullcontext(GqlClient(url))
    if name == "ariadne":
        return partial(ariadne_client, request.getfixturevalue("generated_client"))
    if name in BY_LIBRARY:
        request.getfixturevalue("npm_package")
    node = request.getfixturevalue("relay_artifacts" if name.endswith("relay") else "node")
    return partial(puppet, node, name)


@pytest.fixture
async def client(
    library: Callable[[str], AbstractAsyncContextManager[Client]], shop: Shop
) -> AsyncIterator[Client]:
    """Each client library in turn, connected to the shop."""
    async with library(shop.url) as client:
        yield client

"""The files for those who deploy: each setting, role, port and path in them is one that the program has."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import Settings
from app.roles import Role
from app.web.health import LIVE, PATHS, READY
from tests.cluster.members.mongod import SETTINGS, SYNCS_FROM_ANOTHER
from tests.ports import free_port

DEPLOY = Path("scripts/deploy")
COMPOSE, DOCKERFILE = DEPLOY / "compose.yaml", DEPLOY / "Dockerfile"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))

STANDARD = {"PYTHONUNBUFFERED", "TZ"}
"""Variables that are none of Diptych's settings."""

Json = Mapping[str, Any]


def compose() -> Json:
    loaded: Json = yaml.safe_load(COMPOSE.read_text())
    return loaded


def manifests(kind: str) -> list[Json]:
    """Return all objects of a kind."""
    every = (each for file in MANIFESTS for each in yaml.safe_load_all(file.read_text()))
    return [each for each in every if each["kind"] == kind]


def deployments() -> list[Json]:
    return manifests("Deployment")


def container(deployment: Json) -> Json:
    [only] = deployment["spec"]["template"]["spec"]["containers"]
    found: Json = only
    return found


def environment(deployment: Json) -> dict[str, str]:
    """Return all variables of a deployment's container, its own last."""
    found: dict[str, str] = {}
    kinds = {"configMapRef": ("ConfigMap", "data"), "secretRef": ("Secret", "stringData")}
    for source in container(deployment)["envFrom"]:
        [(reference, named)] = source.items()
        kind, of = kinds[reference]
        [there] = [each for each in manifests(kind) if each["metadata"]["name"] == named["name"]]
        found |= there[of]
    return found | {each["name"]: each["value"] for each in container(deployment)["env"]}


def processes() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the name and the variables of each process that runs the image, wherever it is described."""
    image = dict(
        re.findall(r"(\w+)=(\S+)", re.findall(r"^ENV (.*)$", DOCKERFILE.read_text(), re.MULTILINE)[0])
    )
    for name, service in compose()["services"].items():
        if service["image"] == "diptych":
            yield f"compose {name}", image | service["environment"]
    for deployment in deployments():
        yield deployment["metadata"]["name"], image | environment(deployment)


PROCESSES = dict(processes())


def test_every_role_is_deployed_in_both_ways() -> None:
    for prefix in ("compose ", "diptych-"):
        roles = {variables["ROLES"] for name, variables in PROCESSES.items() if name.startswith(prefix)}
        assert roles == {*Role}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_variable_is_a_setting_and_has_a_value_that_it_accepts(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = {setting.upper() for setting in Settings.model_fields} | STANDARD
    assert {*PROCESSES[name]} - known == set()
    for variable in known:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in PROCESSES[name].items():
        assert isinstance(value, str), f"{variable} is no text in YAML: quote it"
        monkeypatch.setenv(variable, value)
    settings = Settings(data_dir=tmp_path, port=free_port())
    assert settings.host == "0.0.0.0"
    assert settings.takes_tokens or settings.is_open_on_purpose, "the service would refuse to listen"
    assert settings.nats_url


def test_ports_are_those_on_which_the_service_listens() -> None:
    assert re.findall(r"^EXPOSE (\d+)$", DOCKERFILE.read_text(), re.MULTILINE) == ["8000"]
    for deployment in deployments():
        [port] = container(deployment)["ports"]
        assert str(port["containerPort"]) == environment(deployment)["PORT"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container(deployment)[probe]["httpGet"]["port"] == port["name"]
    [service] = manifests("Service")
    assert [each["targetPort"] for each in service["spec"]["ports"]] == ["http"]
    assert "dynamic a query 8000" in compose()["configs"]["caddyfile"]["content"]


def test_probes_ask_routes_that_there_are() -> None:
    for deployment in deployments():
        paths = {probe: container(deployment)[probe]["httpGet"]["path"] for probe in PROBES}
        assert paths == PROBES
    [asked] = re.findall(r"http://127.0.0.1:8000(\S+?)'", str(compose()["services"]["query"]["healthcheck"]))
    assert asked in PATHS


PROBES = {"startupProbe": LIVE, "livenessProbe": LIVE, "readinessProbe": READY}


def test_budgets_and_the_service_select_processes_that_there_are() -> None:
    labels = {
        each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/component"]: each
        for each in deployments()
    }
    for deployment in deployments():
        template = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == template
    budgets = manifests("PodDisruptionBudget")
    for budget in budgets:
        component = budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        assert budget["spec"]["minAvailable"] < labels[component]["spec"]["replicas"], (
            "nobody could drain a node"
        )
    assert len(budgets) == len(labels)
    [service] = manifests("Service")
    assert service["spec"]["selector"] == labels["query"]["spec"]["template"]["metadata"]["labels"]


def test_every_process_has_requests_and_a_limit_of_memory() -> None:
    for deployment in deployments():
        resources = container(deployment)["resources"]
        assert {*resources["requests"]} == {"cpu", "memory"}
        assert {*resources["limits"]} == {"memory"}, (
            "a limit of processor time would stop the loop for 100 ms"
        )


def test_the_image_copies_what_there_is_and_starts_a_command_that_there_is() -> None:
    text = DOCKERFILE.read_text()
    for sources in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        assert [source for source in sources.split() if not Path(source).exists()] == []
    assert 'ENTRYPOINT ["diptych"]' in text
    assert 'CMD ["serve", "--no-demo"]' in text
    for deployment in deployments():
        assert container(deployment)["args"] == ["serve", "--no-demo"]


def test_the_image_has_what_roles_apart_need() -> None:
    assert "requirements/run.txt" in DOCKERFILE.read_text()
    locked = Path("requirements/run.txt").read_text()
    assert re.search(r"^nats-py==", locked, re.MULTILINE)
    assert re.search(r"^hatchling==", locked, re.MULTILINE), "the project is built without a network"


def test_the_replica_set_of_compose_has_the_settings_of_the_cluster_that_is_tested() -> None:
    services = compose()["services"]
    [initiated] = re.findall(r"settings: { ([^}]*) }", str(services["mongo-set"]["entrypoint"]))
    assert initiated == ", ".join(f"{name}: {value}" for name, value in SETTINGS.items())
    assert f"--setParameter={SYNCS_FROM_ANOTHER}" in services["mongo-1"]["command"]


def test_dependencies_and_volumes_of_compose_are_there() -> None:
    services, volumes = compose()["services"], {*compose()["volumes"]}
    for service in services.values():
        assert {*service.get("depends_on", ())} <= {*services}
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in volumes
        for config in service.get("configs", ()):
            assert config["source"] in compose()["configs"]
    assert volumes == {
        each.split(":")[0] for service in services.values() for each in service.get("volumes", ())
    }

"""The settings of traces: those of OpenTelemetry, and what is refused before anything starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.command_line.diagnoses import Verdict
from app.command_line.examinations import examined
from app.config import Settings
from app.tracing.configured import tracing_of
from tests.tracing.collector import Collector

THERE = "http://collector.example:4318"


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, None),
        ({"otel_exporter_otlp_endpoint": ""}, None),
        ({"otel_exporter_otlp_endpoint": THERE}, f"{THERE}/v1/traces"),
        ({"otel_exporter_otlp_endpoint": f"{THERE}/otlp/"}, f"{THERE}/otlp/v1/traces"),
        ({"otel_exporter_otlp_traces_endpoint": f"{THERE}/elsewhere"}, f"{THERE}/elsewhere"),
        ({"otel_exporter_otlp_endpoint": THERE, "otel_sdk_disabled": True}, None),
        ({"otel_exporter_otlp_endpoint": THERE, "otel_traces_exporter": "none"}, None),
    ],
)
def test_traces_go_where_the_settings_say(settings: dict[str, object], url: str | None) -> None:
    found = Settings(**settings)  # type: ignore[arg-type]
    assert found.traces_to == url
    assert (tracing_of(found) is None) == (url is None)


def test_settings_are_named_as_opentelemetry_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", THERE)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    assert Settings().traces_to == f"{THERE}/v1/traces"
    assert not Settings().sampler.samples(None)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"otel_exporter_otlp_endpoint": "collector:4317"}, "Write it like http://localhost:4318"),
        (
            {"otel_exporter_otlp_endpoint": THERE, "otel_exporter_otlp_protocol": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not supported. Set it to http/protobuf",
        ),
        ({"otel_traces_sampler": "jaeger_remote"}, "parentbased_traceidratio"),
        ({"otel_traces_sampler_arg": 1.5}, "less than or equal to 1"),
    ],
)
def test_what_can_not_be_done_is_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**settings)  # type: ignore[arg-type]


def test_a_service_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    without = "import sys; sys.modules['opentelemetry'] = None; from app.__main__ import main; main()"
    command = (sys.executable, "-c", without, "serve", "--data-dir", str(tmp_path), "--port", "0")
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": THERE, "PATH": ""}
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed" in refused.stderr
    assert "pip install 'diptych[otel]'" in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_the_doctor_says_whether_the_collector_takes_traces(
    tmp_path: Path, collector: Collector
) -> None:
    for url, verdict, said in (
        (collector.url, Verdict.OK, "The collector takes them."),
        (
            "http://ada:secret@127.0.0.1:1",
            Verdict.WARNING,
            "http://127.0.0.1:1/v1/traces does not take traces",
        ),
    ):
        settings = Settings(
            data_dir=tmp_path, mongodb_url="mongodb://nowhere.invalid", otel_exporter_otlp_endpoint=url
        )
        async for found in examined(settings):
            if found.subject == "traces":
                break
        assert found.verdict is verdict
        assert said in found.found
        assert "secret" not in f"{found}"

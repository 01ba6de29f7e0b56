"""The settings of traces, with the names that OpenTelemetry has for them."""

from functools import cached_property
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from app.cqrs.measured.sampling import Sampler

PATH = "/v1/traces"
"""The path of traces at a collector, in the protocol OTLP over HTTP."""

_BY_SHARE = {"traceidratio", "parentbased_traceidratio"}


class TracingSettings(BaseSettings):
    """The settings that begin with OTEL. The driver reads more of them itself, such as headers."""

    otel_exporter_otlp_endpoint: str | None = Field(
        default=None, description="URL of the collector that traces are sent to, by OTLP over HTTP"
    )
    otel_exporter_otlp_traces_endpoint: str | None = Field(
        default=None, description="the same with its path, if traces go elsewhere than metrics"
    )
    otel_exporter_otlp_protocol: str = Field(
        default="http/protobuf", description="protocol of the collector; http/protobuf is the only one"
    )
    otel_exporter_otlp_traces_protocol: str | None = Field(
        default=None, description="protocol of the collector of traces; http/protobuf is the only one"
    )
    otel_service_name: str = Field(
        default="diptych", min_length=1, description="name of the service in traces"
    )
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = Field(default="parentbased_always_on", description="the operations that are traced")
    otel_traces_sampler_arg: float = Field(
        default=1.0, ge=0, le=1, description="share of the operations that are traced, if chosen by ratio"
    )
    otel_traces_exporter: Literal["otlp", "none"] = Field(
        default="otlp", description="where traces go: otlp, or none"
    )
    otel_sdk_disabled: bool = Field(default=False, description="true for no traces, whatever else is set")

    @field_validator("otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint")
    @classmethod
    def _is_a_url(cls, url: str | None) -> str | None:
        if url and not url.startswith(("http://", "https://")):
            raise PydanticCustomError(
                "url", "It is no URL of HTTP. Write it like http://localhost:4318, or leave it unset"
            )
        return url or None  # As the specification has it, an empty value is an unset one.

    @model_validator(mode="after")
    def _is_over_http(self) -> Self:
        protocol = self.otel_exporter_otlp_traces_protocol or self.otel_exporter_otlp_protocol
        if self.traces_to and protocol != "http/protobuf":
            raise PydanticCustomError(
                "protocol",
                "OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not supported. Set it to http/protobuf, and the "
                "endpoint to the collector's port for HTTP, which is 4318 by default",
                {"protocol": protocol},
            )
        return self

    @cached_property
    def traces_to(self) -> str | None:
        """The URL to which traces are sent; `None` if there are none."""
        if self.otel_sdk_disabled or self.otel_traces_exporter == "none":
            return None
        if self.otel_exporter_otlp_traces_endpoint:
            return self.otel_exporter_otlp_traces_endpoint
        endpoint = self.otel_exporter_otlp_endpoint
        return endpoint.rstrip("/") + PATH if endpoint else None

    @cached_property
    def sampler(self) -> Sampler:
        """The rule by which operations are traced."""
        name = self.otel_traces_sampler
        share = 0.0 if name.endswith("always_off") else 1.0
        if name in _BY_SHARE:
            share = self.otel_traces_sampler_arg
        return Sampler(share=share, follows_caller=name.startswith("parentbased_"))

"""The settings of the log, and of what is measured for it."""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class LogSettings(BaseSettings):
    """The settings that begin with LOG, and that of the measured event loop."""

    log_format: Literal["auto", "text", "json"] = Field(
        default="auto",
        description="format of the log on standard error: text, json (an object in each line), or auto: text "
        "on a terminal, else json",
    )
    log_level: Literal["info", "warning", "error"] = Field(
        default="warning",
        description="least level of the lines in the log: with info it also says what is done, such as that "
        "documents are built",
    )
    loop_limit_ms: float | None = Field(
        default=None,
        ge=1,
        le=60_000,
        description="milliseconds of processor time for which one step may hold the event loop; longer steps "
        "are logged, and shown at /health/loop. By default this is not measured",
    )

"""The results of examinations."""

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """The result of an examination."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Diagnosis:
    """One result: what was examined, the verdict, what was found, and what to do about it."""

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""


def ok(subject: str, found: str) -> Diagnosis:
    """Return a diagnosis of something that is as it should be."""
    return Diagnosis(subject, Verdict.OK, found)


def warning(subject: str, found: str, advice: str) -> Diagnosis:
    """Return a diagnosis of something that works, and should be changed."""
    return Diagnosis(subject, Verdict.WARNING, found, advice)


def problem(subject: str, error: object, advice: str = "") -> Diagnosis:
    """Return a diagnosis of what keeps the service from working; an error says what to do itself."""
    found, _, own_advice = str(error).partition("\n")
    return Diagnosis(subject, Verdict.PROBLEM, found, advice or own_advice)

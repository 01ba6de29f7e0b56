"""What a service's `/metrics` say, read by the library's own parser."""

from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.inprocess import Service


@dataclass(frozen=True)
class Scraped:
    """All samples of one scrape, by name and labels."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """The value of one sample; 0 if it is missing, as for a counter that was never raised."""
        return self.samples.get((name, frozenset(labels.items())), 0.0)

    def values(self, name: str, **labels: str) -> list[float]:
        """The values of all samples that have these labels among theirs."""
        return [
            value
            for (each, has), value in self.samples.items()
            if each == name and frozenset(labels.items()) <= has
        ]

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self.samples}


async def scrape(service: Service) -> Scraped:
    response = await service.client.http.get(f"{service.client.url}/metrics")
    assert response.status_code == 200, response.text
    return read(response)


def read(response: httpx.Response) -> Scraped:
    return Scraped(
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }
    )

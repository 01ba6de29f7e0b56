"""What is known of how an answer was made."""

from app.cqrs.reading.sources import reads_elsewhere


def test_an_aggregation_that_looks_elsewhere_is_told() -> None:
    joined = [{"$match": {}}, {"$facet": {"a": [{"$lookup": {"from": "others"}}]}}]
    assert reads_elsewhere(joined)
    assert not reads_elsewhere([{"$match": {"$or": [{"a": 1}]}}, {"$group": {"_id": "$topic"}}])

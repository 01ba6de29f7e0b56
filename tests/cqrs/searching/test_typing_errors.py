"""Which words are taken for misspellings of one another."""

import pytest

from app.cqrs.searching.typing_errors import are_near, variants, variants_asked, variants_written

NEAR = [
    ("kettel", "kettle"),
    ("ketle", "kettle"),
    ("kettlle", "kettle"),
    ("kotlle", "kotlle"),
    ("lettle", "kettle"),
    ("wter", "water"),
    ("waterr", "water"),
]
FAR = [("kttel", "kettle"), ("tee", "tea"), ("pots", "pot"), ("sku12345", "sku12346"), ("watt", "water")]


@pytest.mark.parametrize(("asked", "word"), NEAR)
def test_one_letter_is_forgiven(asked: str, word: str) -> None:
    assert are_near(asked, word)
    for title in (True, False):
        written = variants_written([word] if title else [], [] if title else [word])
        assert not set(variants_asked(asked)).isdisjoint(written)
        assert set(variants_asked(asked, title=True)).isdisjoint(written) is not title


@pytest.mark.parametrize(("asked", "word"), FAR)
def test_more_letters_short_words_and_codes_are_not(asked: str, word: str) -> None:
    assert not are_near(asked, word)
    assert set(variants_asked(asked)).isdisjoint(variants_written([word], []))


def test_a_document_has_the_variants_of_few_words() -> None:
    many = [f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(200)]
    assert len(variants_written(many[:5], many)) <= 60 * len(variants("wordaa"))
    assert all(word + " " in variants_written(many[:5], many) for word in many[:5])

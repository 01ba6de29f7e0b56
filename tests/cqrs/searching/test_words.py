"""The words of documents and of searches."""

from collections.abc import Sequence

import pytest

from app.cqrs.searching.letters import folded
from app.cqrs.searching.words import digits_of, endings, squeezed, words, words_asked


def test_words_have_no_accents_no_case_and_no_punctuation() -> None:
    assert words("Café-Crème, STRASSE straße", None, "№ 5 İstanbul 日本") == [
        "5",
        "cafe",
        "creme",
        "istanbul",
        "no",
        "strasse",
        "日本",
        "本",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C++ and C# at 4+1", ["1", "4+", "and", "at", "c#", "c++"]),
        ("★ Jam 😀", ["jam", "★", "😀"]),
        ("👍🏽 ☕\ufe0f", ["☕", "👍"]),
        ("नमस्ते", ["नमसते"]),
        ("ชาไทย", ["ชาไท", "ทย", "ย", "าไทย", "ไทย"]),
        ("#1 + 2", ["1", "2"]),
        ("!!! . — …", []),
    ],
)
def test_symbols_are_words_and_vowel_signs_are_parts_of_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Ørsted Øl", "orsted ol"),
        ("Łódź", "lodz"),
        ("Đorđe", "dorde"),
        ("Æther œuvre", "aether oeuvre"),
        ("KIZILIRMAK k\u0131z\u0131l", "kizilirmak kizil"),
        ("Straße STRASSE", "strasse strasse"),
        ("Þór Ðuro ħal ŋ", "thor duro hal n"),
        ("İstanbul ﬁn", "istanbul fin"),
    ],
)
def test_letters_that_look_alike_are_folded(text: str, plain: str) -> None:
    assert folded(text) == plain


@pytest.mark.parametrize(
    ("text", "written", "asked"),
    [
        ("Don't", ["don", "dont", "t"], ["dont"]),
        ("don\u2019t", ["don", "dont", "t"], ["dont"]),
        ("l\u02bceau", ["eau", "l", "leau"], ["leau"]),
        ("'dogs' 'n' cats'", ["cats", "dogs", "n"], ["dogs", "n", "cats"]),
        ("J.R.R. Tolkien", ["j", "jrr", "r", "tolkien"], ["jrr", "tolkien"]),
        ("J. R. R. Tolkien", ["j", "jrr", "r", "tolkien"], ["jrr", "tolkien"]),
        ("J R R", ["j", "jrr", "r"], ["j", "r"]),
        ("J.R.R.Tolkien", ["j", "jrr", "r", "tolkien"], ["jrr", "tolkien"]),
        ("J. Smith", ["j", "smith"], ["j", "smith"]),
        ("www.a.com 1.5", ["1", "5", "a", "com", "www"], ["www", "a", "com", "1", "5"]),
        ("中文茶壶", ["中文", "壶", "文茶", "茶壶"], ["中文", "文茶", "茶壶"]),
        ("iPad用ケース", ["ipad", "ケー", "ス", "ース", "用ケ"], ["ipad", "用ケ", "ケー", "ース"]),
        ("茶", ["茶"], ["茶"]),
        ("ชา", ["ชา", "า"], ["ชา"]),
    ],
)
def test_documents_have_every_spelling_and_searches_the_most_exact_one(
    text: str, written: Sequence[str], asked: Sequence[str]
) -> None:
    assert words(text) == written
    assert words_asked(text) == asked


def test_numbers_are_found_from_any_digit_on() -> None:
    assert endings("+44 (0)20 184") == ["4420184", "420184", "20184", "0184"]
    assert digits_of("\u0661\u0662 34") == "1234"
    assert endings("123") == endings(None) == []


def test_codes_are_compared_without_their_punctuation() -> None:
    assert squeezed("Ab-1_2/c") == squeezed("AB12C") == "ab12c"
    assert squeezed("!") == squeezed(None) == ""

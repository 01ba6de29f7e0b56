"""The difference of two states of a list leads from one to the other, with as few moves as can be."""

from hypothesis import given
from hypothesis import strategies as st

from app.cqrs.lists.differences import ListChange, ListChangeKind, Row, differences


def applied(before: list[Row], after: list[Row], changes: list[ListChange]) -> list[Row]:
    """What a client has after the changes: it knows of the later state only what these contain."""
    gone = {each.id for each in changes if each.kind in (ListChangeKind.LEFT, ListChangeKind.MOVED)}
    kept = [row for row in before if row[0] not in gone]
    for each in changes:
        if each.index is None:
            continue
        end = each.index + (each.kind is ListChangeKind.CHANGED)
        kept[each.index : end] = [after[each.index]]
    return kept


def said(changes: list[ListChange]) -> list[tuple[str, str, int | None, int | None]]:
    return [(each.kind.value, each.id, each.previous, each.index) for each in changes]


def test_says_what_entered_changed_moved_and_left() -> None:
    before = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    after = [("d", 5), ("b", 2), ("e", 6), ("c", 7)]
    assert said(differences(before, after)) == [
        ("LEFT", "a", 0, None),
        ("MOVED", "d", 3, 0),
        ("ENTERED", "e", None, 2),
        ("CHANGED", "c", 2, 3),
    ]


def test_says_nothing_of_what_was_only_pushed_on() -> None:
    assert said(differences([("a", 1), ("b", 2)], [("c", 3), ("a", 1), ("b", 2)])) == [
        ("ENTERED", "c", None, 0)
    ]


def test_of_two_that_exchanged_their_places_the_changed_one_has_moved() -> None:
    assert said(differences([("a", 1), ("b", 2)], [("b", 2), ("a", 3)])) == [("MOVED", "a", 0, 1)]
    assert said(differences([("a", 1), ("b", 2)], [("b", 3), ("a", 1)])) == [("MOVED", "b", 1, 0)]


def test_one_that_fell_from_the_front_to_the_end_is_the_only_one_that_moved() -> None:
    before = [(str(each), each) for each in range(50)]
    assert said(differences(before, [*before[1:], ("0", 99)])) == [("MOVED", "0", 0, 49)]


rows = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 2)), unique_by=lambda row: row[0])


@given(before=rows, after=rows)
def test_leads_from_any_state_to_any_other(before: list[Row], after: list[Row]) -> None:
    changes = differences(before, after)
    assert applied(before, after, changes) == after
    assert (changes == []) == (before == after)
    indexes = [each.index for each in changes if each.index is not None]
    assert indexes == sorted(indexes)


@given(rows=rows, chosen=st.sets(st.sampled_from("abcdefgh")), keys=st.permutations(range(8)))
def test_only_what_changed_moves(rows: list[Row], chosen: set[str], keys: list[int]) -> None:
    """In a list that is sorted by its documents."""
    before = sorted(rows)
    after = sorted(
        ((id, position + 10 * (id in chosen)) for id, position in rows),
        key=lambda row: keys["abcdefgh".index(row[0])] if row[0] in chosen else "abcdefgh".index(row[0]),
    )
    changed = {each.id for each in differences(before, after)}
    assert changed == chosen & {id for id, _ in rows}

"""Any order, any duplication, any replayed prefix: the same flag in the end."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.evidence import Command, Evidence
from streams.core.flag import Flag
from streams.core.instant import Instant
from streams.core.message import from_attempt, from_report, merge
from streams.core.state import EMPTY, AddressState, fold
from streams.wire.address_state import decode, encode

MESSAGES = [f"m{n}" for n in range(6)]
KINDS = ["bad_mailbox", "mailbox_full", "submission_auth_failed", "unknown"]


def _pieces(tell, *, with_commands: bool = True, most: int = len(MESSAGES)):
    minutes = st.integers(0, 3000)
    messages = st.sampled_from(MESSAGES[:most])
    kinds = st.sampled_from(KINDS)
    attempts = st.builds(
        lambda m, t, o, n, k: tell.attempt(m, t, o, n, kind=k),
        messages,
        minutes,
        st.sampled_from(["accepted", "deferred", "failed"]),
        st.integers(1, 4),
        kinds,
    )
    reports = st.builds(
        lambda m, t, a, about, k: tell.report(m, t, a, message_at=about, kind=k),
        messages,
        minutes,
        st.sampled_from(["failed", "delayed", "delivered", "relayed", "expanded"]),
        st.none() | minutes | st.just(-20 * 24 * 60),
        kinds,
    )
    commands = st.builds(
        tell.command,
        minutes,
        st.sampled_from(["clear", "delivered"]),
        st.none() | messages,
    )
    kinds_of = [attempts, reports] + ([commands] if with_commands else [])
    return st.lists(st.one_of(kinds_of), min_size=1, max_size=14)


def _folded(pieces: list[Evidence]) -> AddressState:
    state = EMPTY
    for piece in pieces:
        state = fold(state, piece).state
    return state


def _shown(flag: Flag | None) -> object:
    """Answer what a flag says, without when it was said."""
    if flag is None:
        return None
    return flag._replace(
        since=Instant(0),
        updated_at=Instant(0),
        revision=0,
        first_failure_at=Instant(0),
    )


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_order_and_duplication_folds_to_the_same_state(data, tell):
    pieces = data.draw(_pieces(tell))
    shuffled = data.draw(st.permutations(pieces + pieces[: len(pieces) // 2]))
    assert _folded(shuffled) == _folded(pieces)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_order_finds_the_same_customer(data, tell):
    drawn = data.draw(_pieces(tell, with_commands=False))
    customers = st.sampled_from([None, "c-1", "c-2", "c-3"])
    pieces = [p._replace(customer_id=data.draw(customers)) for p in drawn]
    shuffled = data.draw(st.permutations(pieces + pieces[: len(pieces) // 2]))
    state = _folded(pieces)
    assert _folded(shuffled) == state
    assert decode(encode(state)) == state


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_order_ends_with_the_same_flag(data, tell, new_story):
    # With a full memory a flag remembers when it began, however that was learnt.
    pieces = data.draw(_pieces(tell, most=5))
    whose = st.sampled_from([None, "c-1", "c-2"])
    pieces = [
        p if isinstance(p, Command) else p._replace(customer_id=data.draw(whose))
        for p in pieces
    ]
    shuffled = data.draw(st.permutations(pieces))
    much_later = 100_000
    one = new_story().tell(*pieces).wait(much_later)
    other = new_story().tell(*shuffled).wait(much_later)
    assert (one.flag is None) == (other.flag is None)
    if one.flag is not None:
        assert _shown(one.flag) == _shown(other.flag)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_replaying_any_prefix_adds_no_lasting_change(data, tell, new_story):
    pieces = data.draw(_pieces(tell, with_commands=False))
    cut = data.draw(st.integers(0, len(pieces)))
    story = new_story().tell(*pieces)
    # Arrivals are in no order here: what waited for its time is due by the newest.
    story.tell(*sorted(pieces, key=lambda piece: piece.arrived_at)[-1:])
    told, state = list(story.told), story.state
    story.tell(*pieces[:cut])
    assert story.told == told
    assert story.state.messages == state.messages
    assert story.flag == state.flag


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_state_survives_its_encoding(data, tell, new_story):
    story = new_story()
    for piece in data.draw(_pieces(tell)):
        story.tell(piece)
        assert decode(encode(story.state)) == story.state


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changes_alternate_and_revisions_grow(data, tell, new_story):
    story = new_story().tell(*data.draw(_pieces(tell)))
    standing = False
    for told in story.told:
        assert told.startswith("set") != standing
        standing = not told.startswith("cleared")
    revisions = [c.revision for c in story.changes]
    assert revisions == sorted(set(revisions))
    assert standing == (story.flag is not None)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_merging_messages_is_associative_and_commutative(data, tell):
    pieces = data.draw(_pieces(tell, with_commands=False).filter(lambda p: len(p) > 2))
    views = [
        from_attempt(p) if hasattr(p, "outcome") else from_report(p)
        for p in (q._replace(message_id="m0") for q in pieces)
    ]
    a, b, c = views[:3]
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, a) == a


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_what_is_due_is_over_once_it_was_looked_at(data, tell, new_story):
    deferred = [tell.attempt(f"d{n}", 2_000 + n, "deferred") for n in range(6)]
    pieces = data.draw(_pieces(tell)) + deferred[: data.draw(st.integers(0, 6))]
    story = new_story().tell(*pieces)
    due = story.state.clear_at
    if due is not None:
        story.wait((due - tell.instant(0)) / 60_000)
        assert story.state.clear_at is None or story.state.clear_at > due

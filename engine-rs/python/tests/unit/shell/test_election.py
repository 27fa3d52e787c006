"""Every rule of the election, as a table of views and the action that follows."""

from dataclasses import replace

import pytest
from outcry_engine.shell.election import (
    Acquire,
    Announce,
    Demote,
    Depose,
    GiveUp,
    HandOver,
    Peer,
    Promote,
    Release,
    Timing,
    View,
    Wait,
    can_succeed,
    decide,
)
from outcry_engine.shell.lock import Lock, LockValue
from outcry_engine.shell.roles import Role

TIMING = Timing(detection=1.0)
NOW = 1000.0
ME, OTHER = "engine-a-0", "engine-a-1"


def value(replica: str = OTHER, *, epoch: int = 7, successor: str | None = None) -> LockValue:
    return LockValue(
        replica=replica, epoch=epoch, since="", reason="start", previous=None, successor=successor
    )


def held(by: str, *, session: str, lock_index: int = 7, epoch: int = 7) -> Lock:
    return Lock(index=10, lock_index=lock_index, session=session, value=value(by, epoch=epoch))


def vacant(last: str | None = OTHER, *, successor: str | None = None) -> Lock:
    return Lock(index=11, lock_index=7, value=value(last, successor=successor) if last else None)


PEER_HOT = Peer(
    replica=OTHER, role=Role.HOT, term="theirs/7", registry_answers=True, heard_at=NOW, quiet_since=NOW
)
WARM = View(
    now=NOW, replica=ME, role=Role.WARM, session="mine", lock=held(OTHER, session="theirs"), peer=PEER_HOT
)
HOT = View(
    now=NOW,
    replica=ME,
    role=Role.HOT,
    epoch=7,
    session="mine",
    promoted_term="mine/7",
    lock=held(ME, session="mine"),
    peer=Peer(replica=OTHER, role=Role.WARM, eligible=True, heard_at=NOW, quiet_since=NOW),
)


def silent_for(seconds: float, **changes: object) -> Peer:
    return replace(PEER_HOT, heard_at=NOW - seconds, quiet_since=NOW - seconds, **changes)


@pytest.mark.parametrize(
    ("view", "action"),
    [
        pytest.param(HOT, Wait(), id="all is well"),
        pytest.param(
            replace(HOT, lock=held(ME, session="mine", epoch=6)),
            Announce(epoch=7),
            id="epoch in force is told",
        ),
        pytest.param(
            replace(HOT, lock=None), Wait(reason="Consul has not answered yet"), id="Consul away: go on"
        ),
        pytest.param(replace(HOT, lock=vacant(ME)), Acquire(cause="start"), id="lost lock is taken back"),
        pytest.param(
            replace(HOT, lock=Lock(index=1)), Acquire(cause="start"), id="Consul lost its state: taken again"
        ),
        pytest.param(
            replace(HOT, lock=held(ME, session="mine", lock_index=9)),
            Promote(term="mine/9", lock_index=9),
            id="taken back under a new term: a new epoch",
        ),
        pytest.param(
            replace(HOT, lock=held(OTHER, session="theirs")),
            Demote(reason=f"the lock is held by {OTHER}"),
            id="another holder: silent at once",
        ),
        pytest.param(
            replace(HOT, lock=held(OTHER, session="theirs"), role=Role.TAKING_OVER),
            Demote(reason=f"the lock is held by {OTHER}"),
            id="another holder while taking over",
        ),
        pytest.param(
            replace(HOT, superseded_by=9), Demote(reason="epoch 9 was seen in the events"), id="superseded"
        ),
        pytest.param(replace(HOT, fault="stalled"), GiveUp(reason="stalled"), id="fault"),
        pytest.param(
            replace(HOT, fault="stalled", lock=None),
            GiveUp(reason="stalled"),
            id="fault while Consul is away",
        ),
        pytest.param(replace(HOT, doubt="reads"), GiveUp(reason="reads"), id="doubt, and the peer is fit"),
        pytest.param(
            replace(HOT, doubt="reads", peer=replace(HOT.peer, eligible=False)),
            Wait(),
            id="doubt, but nobody is better",
        ),
        pytest.param(replace(HOT, wish="clock"), HandOver(reason="clock"), id="wrong clock: hand over"),
        pytest.param(
            replace(HOT, wish="clock", peer=replace(HOT.peer, eligible=False)),
            Wait(reason="clock"),
            id="wrong clock, but nobody else can: stay",
        ),
        pytest.param(
            replace(HOT, lock=held(ME, session="older")),
            Depose(session="older", reason="a former session of this replica holds the lock"),
            id="own former session",
        ),
    ],
)
def test_while_publishing(view: View, action: object) -> None:
    assert decide(view, TIMING) == action


@pytest.mark.parametrize(
    ("view", "action"),
    [
        pytest.param(WARM, Wait(), id="the peer beats"),
        pytest.param(
            replace(WARM, lock=None), Wait(reason="Consul has not answered yet"), id="Consul away: wait"
        ),
        pytest.param(
            replace(WARM, peer=silent_for(0.9, gone=True)),
            Depose(session="theirs", reason=f"{OTHER} closed its connection and refuses a new one"),
            id="closed and refused",
        ),
        pytest.param(
            replace(WARM, peer=silent_for(1.1)),
            Depose(session="theirs", reason=f"{OTHER} has been silent for 1.10 s"),
            id="silence",
        ),
        pytest.param(replace(WARM, peer=silent_for(0.9)), Wait(), id="not silent for long enough"),
        pytest.param(
            replace(WARM, peer=replace(silent_for(5), quiet_since=NOW - 0.2)),
            Wait(),
            id="own starvation discounted",
        ),
        pytest.param(
            replace(WARM, lock=held(OTHER, session="theirs", lock_index=8), peer=silent_for(5)),
            Wait(),
            id="never heard in its present term: no second takeover",
        ),
        pytest.param(
            replace(WARM, lock=held(OTHER, session="again"), peer=silent_for(5, gone=True)),
            Wait(),
            id="heard under another session",
        ),
        pytest.param(replace(WARM, peer=Peer()), Wait(), id="never heard at all"),
        pytest.param(
            replace(WARM, obstacle="catching up", peer=silent_for(5)),
            Wait(reason="catching up"),
            id="deposes nobody whom it cannot replace",
        ),
        pytest.param(
            replace(WARM, lock=held(ME, session="theirs")),
            Depose(session="theirs", reason="a former life of this replica holds the lock"),
            id="own former life",
        ),
        pytest.param(
            replace(WARM, lock=held(ME, session="mine")),
            Promote(term="mine/7", lock_index=7),
            id="the lock is ours",
        ),
        pytest.param(
            replace(WARM, lock=held(ME, session="mine"), promoted_term="mine/7"),
            GiveUp(reason="the engine fell silent by itself"),
            id="the engine fell silent by itself",
        ),
        pytest.param(
            replace(WARM, lock=held(ME, session="mine"), obstacle="gave up"),
            Release(reason="gave up"),
            id="ours but unfit",
        ),
        pytest.param(
            replace(WARM, lock=held(ME, session="mine"), released_term="mine/7"),
            Wait(reason="the lock was given back"),
            id="given back a moment ago",
        ),
    ],
)
def test_while_silent(view: View, action: object) -> None:
    assert decide(view, TIMING) == action


GONE = silent_for(0.2, gone=True)
PATIENT = Wait(reason=f"{OTHER} still beats as hot: leaving it the vacant lock")


@pytest.mark.parametrize(
    ("lock", "vacant_for", "peer", "action"),
    [
        pytest.param(vacant(None), 0.0, Peer(), Acquire(cause="start"), id="the very first"),
        pytest.param(vacant(ME), 0.0, Peer(), Acquire(cause="start"), id="was ours last"),
        pytest.param(vacant(), 0.0, GONE, Acquire(cause="takeover"), id="holder is gone"),
        pytest.param(vacant(), 0.0, silent_for(1.0), Acquire(cause="takeover"), id="holder is silent"),
        pytest.param(vacant(), 0.3, PEER_HOT, PATIENT, id="registry failed, not the holder: leave it"),
        pytest.param(vacant(), 2.1, PEER_HOT, Acquire(cause="takeover"), id="left it long enough"),
        pytest.param(
            vacant(),
            0.3,
            replace(PEER_HOT, registry_answers=False),
            PATIENT,
            id="cut off from Consul: leave it",
        ),
        pytest.param(
            vacant(),
            0.7,
            replace(PEER_HOT, registry_answers=False),
            Acquire(cause="takeover"),
            id="cut off from Consul: not for long",
        ),
        pytest.param(vacant(successor=ME), 0.0, PEER_HOT, Acquire(cause="switchover"), id="released for us"),
        pytest.param(
            vacant(ME, successor=OTHER),
            1.9,
            Peer(),
            Wait(reason=f"the lock was released for {OTHER}"),
            id="released for the peer",
        ),
        pytest.param(
            vacant(ME, successor=OTHER), 2.1, Peer(), Acquire(cause="start"), id="the successor never came"
        ),
    ],
)
def test_vacant_lock(lock: Lock, vacant_for: float, peer: Peer, action: object) -> None:
    view = replace(WARM, lock=lock, vacant_since=NOW - vacant_for, peer=peer)
    assert decide(view, TIMING) == action


def test_unfit_replica_leaves_a_vacant_lock() -> None:
    assert decide(replace(WARM, lock=vacant(), obstacle="starting"), TIMING) == Wait(reason="starting")


@pytest.mark.parametrize(
    ("peer", "can"),
    [
        (HOT.peer, True),
        (replace(HOT.peer, eligible=False), False),
        (replace(HOT.peer, gone=True), False),
        (replace(HOT.peer, heard_at=NOW - 0.5), False),
        (Peer(), False),
    ],
)
def test_successor(peer: Peer, *, can: bool) -> None:
    assert can_succeed(peer, now=NOW, timing=TIMING) is can


def test_two_replicas_with_a_cut_between_them_settle() -> None:
    """A peer-only partition costs one takeover, then nobody deposes anybody any more."""
    first = decide(replace(WARM, peer=silent_for(1.5)), TIMING)
    assert isinstance(first, Depose)
    # The old holder, cut off from us but not from Consul, may even win the race for the lock.
    retaken = held(OTHER, session="new", lock_index=8)
    assert decide(replace(WARM, lock=retaken, peer=silent_for(60)), TIMING) == Wait()
    # Or we have it: then the other, whose last word from us was "warm", leaves us alone.
    other = replace(
        WARM,
        replica=OTHER,
        session="theirs2",
        lock=held(ME, session="mine", lock_index=8),
        peer=Peer(replica=ME, role=Role.WARM, heard_at=NOW - 60, quiet_since=NOW - 60),
    )
    assert decide(other, TIMING) == Wait()

"""Who should publish: one pure decision from one view, no I/O and no clock.

The races this guards against:

- A peer-only partition must cost at most one takeover. Silence counts only against a holder that
  was heard naming the very term of the lock that it still holds (`Peer.term`), so a replica that
  can't be heard at all never loses the lock to the same silence twice.
- A lock that falls vacant because the registry, not the holder, failed: while the old holder still
  beats as hot, the warm replica leaves it a moment to take its lock back (`Timing.patience`).
- A planned hand-over: whoever released must not be the first to take the lock again
  (`LockValue.successor`).
- A replica that was stopped and continued: see `supervisor`, which demotes before it asks here.
"""

from dataclasses import dataclass

from outcry_engine.shell.lock import Cause, Lock
from outcry_engine.shell.roles import Role


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Seconds."""

    detection: float
    """Silence of a hot peer after which it is deposed."""
    fresh: float = 0.35
    """A beat not older than this says that the peer lives now (beats come every 0.1 s)."""
    patience: float = 2.0
    """How long a vacant lock is left to a peer that beats as hot and says that Consul answers it."""
    short_patience: float = 0.6
    """The same when that peer says that Consul does not answer it."""
    succession: float = 2.0
    """How long a released lock is left to the successor that its value names."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """What the heart-beat connection told last. Times are of the monotonic clock."""

    replica: str | None = None
    role: Role | None = None
    term: str | None = None
    """The term of the lock under which it said to publish."""
    eligible: bool = False
    """Whether it could take the lock now."""
    registry_answers: bool = False
    heard_at: float | None = None
    quiet_since: float | None = None
    """From when on silence counts: the last beat, or later when this process itself was starved."""
    gone: bool = False
    """Its connection was closed and a new one was refused: nobody listens there."""


@dataclass(frozen=True, kw_only=True)
class View:
    """All that a decision rests on, at one moment `now` of the monotonic clock."""

    now: float
    replica: str
    role: Role
    epoch: int = 0
    superseded_by: int | None = None
    fault: str | None = None
    """Why this replica must not go on publishing."""
    doubt: str | None = None
    """Why it should give up if its peer could take over."""
    wish: str | None = None
    """Why it should hand over as soon as somebody can take over."""
    obstacle: str | None = None
    """Why it may not take the lock; None: it may."""
    lock: Lock | None = None
    """None: Consul has not answered yet."""
    vacant_since: float | None = None
    session: str | None = None
    """This process's own session."""
    promoted_term: str | None = None
    """The term under which the engine was promoted last."""
    released_term: str | None = None
    """The term that this replica gave back last; the lock's watch may lag behind that."""
    peer: Peer = Peer()


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing to do; `reason` says what is waited for, None when all is well."""

    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Acquire:
    """Take the vacant lock."""

    cause: Cause


@dataclass(frozen=True, kw_only=True)
class Promote:
    """The lock is ours under `term`: let the engine take over with at least epoch `lock_index`."""

    term: str
    lock_index: int


@dataclass(frozen=True, kw_only=True)
class Demote:
    """Publish nothing more."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """Publish nothing more, release the lock and leave it to the peer for a while."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """A planned switchover."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Release:
    """The lock is ours but the engine may not publish: let it go."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Depose:
    """Invalidate the session that holds the lock."""

    session: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Announce:
    """Write the epoch in force into the lock that is ours."""

    epoch: int


Action = Wait | Acquire | Announce | Promote | Demote | GiveUp | HandOver | Release | Depose


def decide(view: View, timing: Timing) -> Action:
    """What this replica should do now."""
    if view.role.publishing:
        return _while_publishing(view, timing)
    return _while_silent(view, timing)


def _while_publishing(view: View, timing: Timing) -> Action:  # noqa: PLR0911 - one line a rule
    lock = view.lock
    # While taking over, the status still tells what silenced an earlier term.
    if view.role is Role.HOT and view.superseded_by is not None:
        return Demote(reason=f"epoch {view.superseded_by} was seen in the events")
    if view.fault is not None:
        return GiveUp(reason=view.fault)
    if view.doubt is not None and can_succeed(view.peer, now=view.now, timing=timing):
        return GiveUp(reason=view.doubt)
    if lock is None:
        return Wait(reason="Consul has not answered yet")
    if lock.session is None:
        return Acquire(cause=_cause(view, lock))
    if lock.session != view.session:
        return _held_elsewhere_while_publishing(view, lock, lock.session)
    if lock.term is not None and lock.term != view.promoted_term:
        return Promote(term=lock.term, lock_index=lock.lock_index)
    if view.wish is not None and can_succeed(view.peer, now=view.now, timing=timing):
        return HandOver(reason=view.wish)
    if view.role is Role.HOT and (lock.value is None or lock.value.epoch != view.epoch):
        return Announce(epoch=view.epoch)
    return Wait(reason=view.wish)


def _held_elsewhere_while_publishing(view: View, lock: Lock, session: str) -> Action:
    if lock.value is not None and lock.value.replica == view.replica:
        return Depose(session=session, reason="a former session of this replica holds the lock")
    holder = lock.value.replica if lock.value else "an unknown replica"
    return Demote(reason=f"the lock is held by {holder}")


def _while_silent(view: View, timing: Timing) -> Action:
    lock = view.lock
    if lock is None:
        return Wait(reason="Consul has not answered yet")
    if lock.session is None:
        return _on_vacant_lock(view, timing, lock)
    if lock.session == view.session:
        return _on_own_lock(view, lock)
    if lock.value is not None and lock.value.replica == view.replica:
        return Depose(session=lock.session, reason="a former life of this replica holds the lock")
    return _on_lock_of_another(view, timing, lock, lock.session)


def _on_vacant_lock(view: View, timing: Timing, lock: Lock) -> Action:
    if view.obstacle is not None:
        return Wait(reason=view.obstacle)
    vacant_for = view.now - view.vacant_since if view.vacant_since is not None else 0.0
    successor = lock.value.successor if lock.value else None
    if successor == view.replica:
        return Acquire(cause="switchover")
    if successor is not None and vacant_for < timing.succession:
        return Wait(reason=f"the lock was released for {successor}")
    if _beats_as_hot(view, timing):
        patience = timing.patience if view.peer.registry_answers else timing.short_patience
        if vacant_for < patience:
            return Wait(reason=f"{view.peer.replica} still beats as hot: leaving it the vacant lock")
    return Acquire(cause=_cause(view, lock))


def _on_own_lock(view: View, lock: Lock) -> Action:
    if lock.term == view.released_term:
        return Wait(reason="the lock was given back")
    if view.obstacle is not None:
        return Release(reason=view.obstacle)
    if lock.term == view.promoted_term:
        return GiveUp(reason="the engine fell silent by itself")
    assert lock.term is not None, "Invariant: a held lock has a term"  # noqa: S101
    return Promote(term=lock.term, lock_index=lock.lock_index)


def _on_lock_of_another(view: View, timing: Timing, lock: Lock, session: str) -> Action:
    peer = view.peer
    if view.obstacle is not None:
        return Wait(reason=view.obstacle)
    if lock.value is None or lock.value.replica != peer.replica or peer.term != lock.term:
        return Wait()
    if peer.gone:
        return Depose(session=session, reason=f"{peer.replica} closed its connection and refuses a new one")
    silence = view.now - peer.quiet_since if peer.quiet_since is not None else 0.0
    if silence > timing.detection:
        return Depose(session=session, reason=f"{peer.replica} has been silent for {silence:.2f} s")
    return Wait()


def can_succeed(peer: Peer, *, now: float, timing: Timing) -> bool:
    """Whether `peer` said a moment ago that it could take the lock."""
    return peer.eligible and _fresh(peer, now=now, timing=timing)


def _beats_as_hot(view: View, timing: Timing) -> bool:
    role = view.peer.role
    return role is not None and role.publishing and _fresh(view.peer, now=view.now, timing=timing)


def _fresh(peer: Peer, *, now: float, timing: Timing) -> bool:
    return not peer.gone and peer.heard_at is not None and now - peer.heard_at < timing.fresh


def _cause(view: View, lock: Lock) -> Cause:
    if lock.value is None or lock.value.replica == view.replica:
        return "start"
    return "takeover"

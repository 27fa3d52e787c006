"""By which seed each planted bug is found: the first one, as `find_plants` prints it."""

from __future__ import annotations

from e2e.simulation.tests import plants, plants_of_saga, plants_of_watchers

__all__ = ["FOUND_BY", "ONCE_FAILED", "PLANTS", "TRADES"]

PLANTS = (*plants.PLANTS, *plants_of_watchers.PLANTS_OF_WATCHERS, *plants_of_saga.PLANTS_OF_SAGA)
TRADES = {"repaired_over_what_moved": 24}
"""Who doesn't move meanwhile doesn't show it."""
FOUND_BY = {
    "withdrawal_released_twice": 1,
    "withdrawal_completed_without_sent": 4,
    "withdrawal_sent_twice": 1,
    "broadcast_before_sent": 45,
    "hold_of_a_payout_kept": 1,
    "no_key_of_instructions": 2,
    "no_key_of_legs": 3,
    "released_twice": 0,
    "no_order_in_a_pipeline": 1,
    "hold_kept": 0,
    "through_a_number": 0,
    "published_before_commit": 0,
    "forgotten_outbox": 76,
    "no_seq_of_rows": 0,
    "commands_before_answers": 1,
    "drained_before_told": 2,
    "loss_unnoticed": 1,
    "cursors_apart": 0,
    "not_one_transaction": 0,
    "fee_rounded_down": 0,
    "improvement_kept": 0,
    "opens_on_a_stale_view": 431,
    "opens_at_once": 2,
    "nothing_reserved": 9,
    "reserved_twice": 9,
    "reserved_for_ever": 9,
    "kept_too_far": 14,
    "suspended_in_name": 9,
    "ends_forgotten": 9,
    "lag_for_a_difference": 0,
    "first_row_for_a_difference": 93,
    "repaired_twice": 43,
    "repaired_over_what_moved": 24,
    "wrong_side": 43,
    "never_paused": 43,
    "only_where_rows_change": 7,
    "saga_broadcasts_before_sent": 1,
    "saga_releases_in_signing": 282,
    "saga_takes_a_second_point": 1,
    "saga_forgets_sent": 1,
    "saga_returns_what_was_paid": 1,
    "saga_pays_after_the_end": 10,
}
ONCE_FAILED = (
    # A ledger row lowered by hand was covered by the house.
    (3596, 0),
    # Judged by logs that had not what position had carried out.
    (3612, 0),
    # A cursor put back below what was carried out: its repair was refused.
    (1636, 3),
    # Redis was away in the moment of the first floor.
    (1858, 3),
    # An order's script failed behind its journal entry.
    (1229, 3),
    # A payment of nobody, whose number a stranger used.
    (204, 0),
    # A withdrawal ended before its payment was signed.
    (250, 0),
    # A point of a payment that none of its withdrawals is bound to was spent elsewhere.
    (299, 0),
    # A hold waited for what a batch of events had paid, and the rest of that batch waited for the hold.
    (1976, 0),
)
"""Seed and trades, by what they showed."""

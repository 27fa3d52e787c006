"""The matching rules once more, as plain as possible: sorted lists, no cleverness, no speed.

It is written from `docs/matching.md` alone and shares no code with the core, so that where both say the
same, it is what the rules say. Feed it commands and it says what events must come out, and what the book
must look like then.

Read it in this order: `market` (the state), `book` (the frame of a command), `checks`, `entering`,
`matching`, `stops`, `ending`, `settings`, `auction`.
"""

from e2e.oracle.book import Level, OpenOrder, Oracle, Totals

__all__ = ["Level", "OpenOrder", "Oracle", "Totals"]

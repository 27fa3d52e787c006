"""What every service stands on: money, errors, ids, settings, logs, health, and its ways to the stores.

Nothing here knows a service; no service imports another. `docs/services.md` says what each module promises.
"""

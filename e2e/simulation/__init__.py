"""The services' logic in one deterministic simulator: docs/simulation.md.

`loop` has virtual time and processes that can be killed between any two steps, `chance` decides all that is
left to chance from one seed, and `kafka_…`, `redis_…` and `mysql_…` are fakes of what
`outcry_services.common` speaks to, each held to the real server by the tests beside them.
"""

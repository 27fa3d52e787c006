"""The engine's shell: settings, Consul, the peer, detection, administration, metrics.

It decides *who* should publish and tells the Rust threads; it is never on the path of a command.
Decisions are pure functions (`election`, `watchdog`); the modules around them only carry them out.
"""

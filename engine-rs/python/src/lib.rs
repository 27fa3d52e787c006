//! Python module of Outcry's matching engine.

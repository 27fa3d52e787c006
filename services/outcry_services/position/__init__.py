"""Positions: what every user has and holds, kept in Redis by scripts that each do one whole step."""

"""A recorded day of a real exchange as commands, and how well our fills agree with the recorded ones."""

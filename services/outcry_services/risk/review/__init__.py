"""The second look at a withdrawal, before anybody signs it: rules, then people, then risk's own signature.

What is reviewed is what the user asked for in the log, whatever the wallet says: a question that differs from
it is refused. `judge` is pure; everything that was answered is in the database `risk`, and holds for ever.
"""

"""Rebuilding machines: what the verb `rebuild` is made of, and what hears of machines while they install."""

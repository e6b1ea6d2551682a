"""Bringing the inventory in step with a source, value by value: what only the source changed is taken, what only people
here changed is kept, and what both changed is a conflict of that one Thing.

`reading` asks the source, without holding the store. Then, in one transaction: `matching` finds out which Thing each
object is; the rounds of `structure`, `values` and `joins` bring in what changed; `leaving` sees to what the source has
no more. A Thing that breaks a rule, or is in conflict, is held back: all begins anew without it (`engine`), so that
nothing of it is left half done, and the others go in.
"""

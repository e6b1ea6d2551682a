"""What scripts and programs of a site import, as `clusto_core` exports it: see docs/library.md.

inventory    `open`, and the inventory: short reads, snapshots, changes
view         names, expressions and choices in, handles out: the same for an inventory, a snapshot and a change
change       a change: the same, and what it can do
handle       a Thing with all that an operator thinks of
attributes   the attributes of a handle, its own and those in force
batch        handles that came together, and what is read for all of them at once
wires        what feeds a machine, and which port is its console
"""

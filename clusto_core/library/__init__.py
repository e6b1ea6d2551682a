"""What scripts and programs of a site import, as `clusto_core` exports it: see docs/library.md.

Each uses those above it only.

source       where handles are from: what reads the store for them, and whether they may write
asking       expressions, pairs and trees, narrowed by driver and place
batch        what came together, and what is read for all of it at once
attributes   the attributes of a handle, its own and those in force
handle       a Thing with all that an operator thinks of
view         names, expressions and choices in, handles out: the same for an inventory, a snapshot and a change
change       a change: a view as things are in it, and what can be done
inventory    the inventory: short reads, snapshots, changes
server       a server that has an inventory, asked over HTTPS
remote       the inventory that it has, by the same handles
opening      `open`
"""

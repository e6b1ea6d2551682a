"""Serial consoles: how each vendor's ports are reached, and what is done on a line once it is open."""

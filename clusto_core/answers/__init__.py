"""What verbs ask of the inventory: where a Thing is, what it is wired to, how its devices are reached."""

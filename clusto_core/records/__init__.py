"""What happened: the history and its undoing, proof of the store, and who is at work on which device."""

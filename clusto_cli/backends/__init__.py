"""Adapters to real devices. They know no click and no database; they import nothing of ours but each other."""

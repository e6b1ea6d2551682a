"""What the verb `bmc` does: from Things to controllers, side by side, and what they say as lines and records."""

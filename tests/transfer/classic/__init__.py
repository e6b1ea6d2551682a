"""Coming from the classic clusto."""

"""What other tools' files say of machines that are there."""

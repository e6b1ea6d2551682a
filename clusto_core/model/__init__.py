"""What there is: names, values, Things and how they fit together. Pure: knows no store."""

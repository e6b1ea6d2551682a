"""Pictures of the inventory: described once, laid out, and written as SVG, HTML or PNG, or shown on a terminal."""

"""The parts of `clusto shell`: what is at hand in it, completion of names, and the two Pythons that it may be."""

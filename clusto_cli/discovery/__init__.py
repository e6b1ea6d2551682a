"""What devices say of the wiring, and the proposal that follows from it: `clusto discover`."""

"""Where everything in a picture goes: from its description to shapes, in pixels."""

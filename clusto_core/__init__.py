"""The inventory library of clusto: model, store, wiring. Prints nothing, knows no command line."""

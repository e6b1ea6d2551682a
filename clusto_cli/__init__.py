"""The command line of clusto: one module a verb, adapters to devices in `backends`."""

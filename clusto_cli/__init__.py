"""The command line of clusto: one module a verb, adapters to devices in `backends`."""

__version__ = "0.1.0"

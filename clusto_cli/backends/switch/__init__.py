"""Adapters to switches: over SNMP, over a command line through ssh, and to bridges in software."""

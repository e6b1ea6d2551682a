"""The boundary: what an attribute may cause to be run, read or sent.

`permissions` is what the operator's configuration allows, `references` reads what a value refers to, `destinations`
says whether a credential may go to an address, and `editing` writes the configuration. What of it may be shown is said
by `clusto_core.secrecy`.
"""

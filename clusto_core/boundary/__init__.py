"""The boundary: what an attribute may cause to be run, read or sent, and what of it may be shown.

`secrecy` says which keys hold secrets and masks what looks like one, `permissions` is what the operator's configuration
allows, `references` reads what a value refers to, `destinations` says whether a credential may go to an address, and
`editing` writes the configuration.
"""

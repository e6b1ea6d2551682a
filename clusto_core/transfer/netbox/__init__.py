"""What a NetBox holds, from the JSON that its `manage.py dumpdata` writes, as objects of the transfer format.

Source of the models: https://github.com/netbox-community/netbox, version 3.0 and later; cables with several ends
(`dcim.cabletermination`) are there since 3.3.
"""

"""Redfish (DMTF DSP0266): the service as one may speak to it, what is read out of its answers, and what they mean for
a server's power and boot device.
"""

"""The SNMP transport: versions 1, 2c and 3 over UDP, many devices at once, no MIB files.

async with SnmpDevice(SnmpSettings("pdu3", community="private")) as pdu:
    states = await pdu.walk(parse_oid("1.3.6.1.4.1.318.1.1.26.9.2.3.1.5"))
    await pdu.set([Varbind(parse_oid("1.3.6.1.4.1.318.1.1.26.9.2.4.1.5.7"), Tag.INTEGER, 2)])
"""

from clusto_cli.backends.snmp.device import NoAnswer, SnmpDevice, SnmpRefused
from clusto_cli.backends.snmp.message import Oid, Tag, Value, Varbind, format_oid, parse_oid
from clusto_cli.backends.snmp.settings import AUTH_PROTOCOLS, PRIV_PROTOCOLS, SnmpSettings

__all__ = [
    "AUTH_PROTOCOLS",
    "PRIV_PROTOCOLS",
    "NoAnswer",
    "Oid",
    "SnmpDevice",
    "SnmpRefused",
    "SnmpSettings",
    "Tag",
    "Value",
    "Varbind",
    "format_oid",
    "parse_oid",
]

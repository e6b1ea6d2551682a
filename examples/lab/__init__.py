"""A machine room without machines: simulated devices that clusto really switches, over real sockets on loopback."""

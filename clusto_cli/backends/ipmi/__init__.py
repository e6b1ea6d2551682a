"""IPMI 2.0, by the program ipmitool: one controller, and what the program's words mean when it does not get there.

The password goes to ipmitool in its environment (`-E`, IPMI_PASSWORD), never on its command line.
"""

from __future__ import annotations

from clusto_cli.backends.endpoint import Endpoint
from clusto_cli.backends.program import ProgramFailed, ProgramSilent, run_program
from clusto_cli.backends.reasons import IPMITOOL, roles

_SETTINGS = roles("bmc", "host", "port", "user", "password", "timeout", cipher="bmc.cipher_suite")
_SPARE = 2.0
"""Seconds that ipmitool has for saying why it gave up, beyond those in which it tries."""


class Ipmitool:
    """One controller. Without a `cipher_suite` ipmitool asks the controller for the best one, which controllers that
    keep silent about it make long. timeout is in seconds.
    """

    def __init__(
        self,
        host: str,
        user: str,
        password: str,
        *,
        port: int = 623,
        cipher_suite: int | None = None,
        timeout: float = 20.0,
    ) -> None:
        self.where = str(Endpoint(host, port))
        # Only with -v does it say of a session that was not established why it was not.
        self._argv = ["ipmitool", "-v", "-I", "lanplus", "-H", host, "-p", str(port)]
        self._argv += ["-U", user, "-E", "-N", "1", "-R", str(_tries(timeout))]
        if cipher_suite is not None:
            self._argv += ["-C", str(cipher_suite)]
        # What it tells of times is in that zone, and means nothing in any other.
        self._environment = {"IPMI_PASSWORD": password, "TZ": "UTC0"}
        self._timeout = timeout

    async def run(self, *words: str, quiet: bool = False, times: float = 1.0) -> str:
        """What it prints. quiet: without the details that lists would have; times: how often as long as one answer it
        may take, for what asks for many. Raises DeviceError.
        """
        limit = times * self._timeout
        argv = [each for each in self._argv if not (quiet and each == "-v")]
        try:
            return await run_program([*argv, *words], limit + _SPARE, self._environment)
        except ProgramFailed as error:
            said = "\n".join(error.said)
            if quiet and "Unable to establish" in said:
                # Why, it only says when it is verbose.
                await self.run("mc", "info")
            raise IPMITOOL.explained(self.where, said, _SETTINGS) from None
        except ProgramSilent as error:
            said = "\n".join([*error.said, f"no response in {limit:g} s"])
            raise IPMITOOL.explained(self.where, said, _SETTINGS) from None


def _tries(seconds: float) -> int:
    """ipmitool's -R for that time: with -N 1 it waits 1, 2, ... R seconds, and does so twice (lanplus)."""
    tries = 1
    while (tries + 1) * (tries + 2) <= seconds:
        tries += 1
    return tries

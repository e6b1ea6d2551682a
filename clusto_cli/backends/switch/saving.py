"""How switches are told over SNMP to keep their configuration, and asked whether they did."""

from __future__ import annotations

import secrets

from clusto_cli.backends.switch import oids
from clusto_cli.backends.switch.model import Step
from clusto_cli.backends.switch.requests import Await, SetRequest, integer

_CREATE_AND_GO = 4
_RUNNING, _STARTUP, _SUCCESSFUL, _FAILED = 4, 3, 3, 4


def steps(kind: str) -> tuple[Step, ...]:
    """The requests for a platform's way of saving; none for those that keep every SET by themselves.

    ValueError for a way that there is none of.
    """
    if not kind:
        return ()
    if kind == "cisco":
        # CISCO-CONFIG-COPY-MIB: a row of one's own, so that two managers do not meet in one.
        row = secrets.randbelow(1 << 30) + 1
        return (
            SetRequest(
                (
                    integer((*oids.CC_SOURCE, row), _RUNNING),
                    integer((*oids.CC_DESTINATION, row), _STARTUP),
                    integer((*oids.CC_ROW_STATUS, row), _CREATE_AND_GO),
                )
            ),
            Await((*oids.CC_STATE, row), (_SUCCESSFUL,), (_FAILED,), "saving"),
            SetRequest((integer((*oids.CC_ROW_STATUS, row), 6),), tolerant=True),
        )
    if kind == "ciscosb":
        # CISCOSB-COPY-MIB: from the local running (type 2) to the local startup configuration (type 3).
        values = ((3, 1), (7, 2), (8, 1), (12, 3), (17, _CREATE_AND_GO))
        return (SetRequest(tuple(integer((*oids.SB_COPY, column, 1), value) for column, value in values)),)
    if kind == "comware":
        row = secrets.randbelow(1 << 15) + 1
        return (
            SetRequest(
                (integer((*oids.H3C_SAVE_TYPE, row), 1), integer((*oids.H3C_SAVE_STATUS, row), _CREATE_AND_GO)),
            ),
        )
    single = {"delln": (oids.DELL_SAVE, 1), "procurve": (oids.HP_SAVE, 2), "foundry": (oids.FOUNDRY_SAVE, 3)}
    if kind not in single:
        raise ValueError(f"no way of saving is called {kind}")
    oid, value = single[kind]
    return (SetRequest((integer(oid, value),)),)

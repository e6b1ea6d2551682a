"""What the platforms' command lines print and take, for the fake of fakecli.py."""

from __future__ import annotations

import re

from .fakecli import Dialect, FakePort, FakeSwitch, Handler, Question, Rejection, Session

M = re.Match[str]


def ok(session: Session, match: M) -> str:
    return ""


def vlan_exists(session: Session, vlan: str) -> int:
    if int(vlan) not in session.switch.vlans:
        raise Rejection("")
    return int(vlan)


def join(session: Session, port: str, vlan: int) -> None:
    session.switch.port(port).vlan = vlan


def saving(session: Session, match: M) -> str:
    if session.switch.save_fails:
        return session.switch.rejection
    session.switch.saved += 1
    return "Building configuration...\n[OK]"


def saving_asked(question: str, done: str = "Configuration Saved!") -> Handler:
    def after(session: Session, reply: str) -> str:
        if session.switch.save_fails or not reply.lower().startswith("y"):
            return session.switch.rejection
        session.switch.saved += 1
        return done

    def handler(session: Session, match: M) -> str | Question:
        return question, after

    return handler


def into(context: str) -> Handler:
    def handler(session: Session, match: M) -> str:
        if not session.config:
            raise Rejection("")
        if context == "if":
            session.switch.port(match[1])
        session.context = f"{context} {match[1]}"
        return ""

    return handler


def make_vlan(session: Session, match: M) -> str:
    if not session.config:
        raise Rejection("")
    session.switch.vlans.setdefault(int(match[1]), f"VLAN{int(match[1]):04d}")
    session.context = f"vlan {match[1]}"
    return ""


def name_vlan(session: Session, match: M) -> str:
    kind, _, vlan = session.context.partition(" ")
    if kind != "vlan":
        raise Rejection("")
    session.switch.vlans[int(vlan)] = match[1].strip('"')
    return ""


def drop_vlan(session: Session, match: M) -> str:
    if not session.config or int(match[1]) not in session.switch.vlans:
        raise Rejection("")
    del session.switch.vlans[int(match[1])]
    return ""


def here(session: Session) -> FakePort:
    kind, _, port = session.context.partition(" ")
    if kind != "if":
        raise Rejection("")
    return session.switch.port(port)


def mode(session: Session, match: M) -> str:
    port = here(session)
    port.mode = match[1]
    if match[1] == "access":
        port.tagged = set()
    return ""


def layer_two(session: Session, match: M) -> str:
    here(session)
    return ""


def access_vlan(session: Session, match: M) -> str:
    port, vlan = here(session), int(match[1])
    text = ""
    if vlan not in session.switch.vlans:
        session.switch.vlans[vlan] = f"VLAN{vlan:04d}"
        text = f"% Access VLAN does not exist. Creating vlan {vlan}"
    port.vlan = vlan
    return text


def vlan_table(switch: FakeSwitch) -> str:
    rows = [f"{vlan:<4} {name:<32} active    " for vlan, name in sorted(switch.vlans.items())]
    return "\n".join(
        ["VLAN Name                             Status    Ports", "---- " + "-" * 32 + " ---------", *rows]
    )


def show_vlan(session: Session, match: M) -> str:
    return vlan_table(session.switch)


def numbers(tagged: set[int]) -> str:
    return ",".join(map(str, sorted(tagged)))


def cisco_switchport(style: str) -> Handler:
    def block(name: str, port: FakePort) -> str:
        word = {"access": "static access"}.get(port.mode, port.mode)
        admin = [f"Administrative Mode: {word}"] if style != "nxos" else []
        oper = port.mode if style == "nxos" else "down" if word.startswith("dynamic") else word
        if port.lag:
            oper = f"{oper} (member of bundle {port.lag})"
        native = port.vlan if port.mode == "trunk" else 1
        return "\n".join(
            [
                f"Name: {name}",
                "Switchport: Enabled",
                *admin,
                f"Operational Mode: {oper}",
                f"Access Mode VLAN: {1 if port.mode == 'trunk' else port.vlan} (some name)",
                f"Trunking Native Mode VLAN: {native} (default)",
                "Voice VLAN: none",
                f"Trunking VLANs Enabled: {numbers(port.tagged) or 'ALL'}",
                "",
            ]
        )

    def handler(session: Session, match: M) -> str:
        ports = session.switch.ports
        if match[1]:
            port = session.switch.port(match[1].strip())
            name = next(known for known, one in ports.items() if one is port)
            return block(name, port)
        return "\n".join(block(name, port) for name, port in ports.items())

    return handler


def cisco_prompt(session: Session) -> str:
    kind = session.context.partition(" ")[0]
    inner = {"if": "(config-if)", "vlan": "(config-vlan)"}.get(kind, "(config)") if session.config else ""
    return f"sw1{inner}{'#' if session.enabled else '>'}"


CISCO_LINES: list[tuple[str, Handler]] = [
    (r"interface (\S+)", into("if")),
    (r"vlan (\d+)", make_vlan),
    (r"name (\S+)", name_vlan),
    (r"no vlan (\d+)", drop_vlan),
    (r"switchport", layer_two),
    (r"switchport mode (\S.*)", mode),
    (r"switchport access vlan (\d+)", access_vlan),
    (r"terminal width \d+", lambda session, match: "Width set to 511 columns."),
]


def _cisco(name: str, style: str, show: str, **more: object) -> Dialect:
    return Dialect(
        name,
        cisco_prompt,
        [
            *CISCO_LINES,
            (show, cisco_switchport(style)),
            (r"show vlan(?: brief)?", show_vlan),
            (r"write memory|copy running-config startup-config", saving),
        ],
        paging_off=r"terminal length 0",
        rejection="% Invalid input detected at '^' marker.",
        **more,  # type: ignore[arg-type]
    )


def junos_set(session: Session, match: M) -> str:
    if not session.config:
        raise Rejection("")
    switch, port, vlan = session.switch, session.switch.port(match[1]), match[2]
    if vlan != "members" and not vlan.isdigit() and vlan not in switch.vlans.values():
        raise Rejection("")
    session.candidate.append(lambda: setattr(port, "vlan", int(vlan)))
    return ""


def junos_mode(session: Session, match: M) -> str:
    port = session.switch.port(match[1])

    def change() -> None:
        port.mode, port.tagged = "access", set()

    session.candidate.append(change)
    return ""


def junos_vlan(session: Session, match: M) -> str:
    session.candidate.append(lambda: session.switch.vlans.update({int(match[2]): match[1]}))
    return ""


def junos_drop(session: Session, match: M) -> str:
    vlans = session.switch.vlans
    session.candidate.append(lambda: [vlans.pop(vlan) for vlan, name in list(vlans.items()) if name == match[1]])
    return ""


def commit(session: Session, match: M) -> str:
    for change in session.candidate:
        change()
    session.candidate.clear()
    session.switch.saved += 1
    return "commit complete"


def commit_running(session: Session, match: M) -> str:
    for change in session.candidate:
        change()
    session.candidate.clear()
    return "All changes have been committed."


def rollback(session: Session, match: M) -> str:
    session.candidate.clear()
    return "load complete"


def junos_show(word: str) -> Handler:
    def handler(session: Session, match: M) -> str:
        name, port = match[1], session.switch.port(match[1])
        stem = f"set interfaces {name} unit 0 family ethernet-switching"
        members = sorted({port.vlan} if port.mode == "access" else port.tagged)
        lines = [f"{stem} {word} {port.mode}"]
        lines += [f"{stem} vlan members {session.switch.vlans.get(vlan, vlan)}" for vlan in members]
        if port.mode == "trunk":
            lines.append(f"set interfaces {name} native-vlan-id {port.vlan}")
        return "\n".join(lines)

    return handler


def junos_prompt(session: Session) -> str:
    return "\r\n[edit]\r\nops@sw1# " if session.config else "ops@sw1> "


def _junos(name: str, word: str) -> Dialect:
    stem = r"interfaces (\S+) unit 0 family ethernet-switching"
    return Dialect(
        name,
        junos_prompt,
        [
            (r"set cli .*", lambda session, match: "Screen width set to 511\nDisabling complete-on-space"),
            (rf"set {stem} {word} access", junos_mode),
            (rf"set {stem} vlan members (\S+)", junos_set),
            (rf"delete {stem} vlan members", ok),
            (r"delete interfaces (\S+) (?:unit 0 family ethernet-switching )?native-vlan-id", ok),
            (r"set vlans (\S+) vlan-id (\d+)", junos_vlan),
            (r"delete vlans (\S+)", junos_drop),
            (r"show configuration interfaces (\S+) \| display set", junos_show(word)),
            (
                r"show configuration vlans \| display set",
                lambda session, match: "\n".join(
                    f"set vlans {name} vlan-id {vlan}" for vlan, name in session.switch.vlans.items()
                ),
            ),
            (r"commit check", lambda session, match: "configuration check succeeds"),
            (r"commit", commit),
            (r"rollback 0", rollback),
        ],
        paging_off=r"set cli screen-length 0",
        rejection="          ^\nsyntax error.",
        enter="configure(?: private)?",
        entered="Entering configuration mode",
        leave="exit configuration-mode|exit",
    )


def procurve_untagged(session: Session, match: M) -> str:
    vlan = int(session.context.partition(" ")[2])
    port = session.switch.port(match[1])
    port.vlan = vlan
    port.tagged.discard(vlan)
    return ""


def procurve_show(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    rows = [(port.vlan, "Untagged"), *((vlan, "Tagged") for vlan in sorted(port.tagged))]
    body = [
        f"  {vlan:<7} {session.switch.vlans.get(vlan, '')[:20]:<20} | Port-based No    No    {how}"
        for vlan, how in rows
    ]
    head = [
        f" Status and Counters - VLAN Information - for ports {match[1]}",
        "",
        "  VLAN ID Name | Status Voice Jumbo Mode",
    ]
    return "\n".join([*head, *body])


def procurve_vlans(session: Session, match: M) -> str:
    rows = [f"  {vlan:<7} {name:<32} | Port-based No    No" for vlan, name in sorted(session.switch.vlans.items())]
    return "\n".join([" Status and Counters - VLAN Information", "", *rows])


def comware_show(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    return "\n".join(
        [
            f"{match[1]} current state: UP",
            f"PVID: {port.vlan}",
            "Mdi type: auto",
            f"Port link-type: {port.mode}",
            f" Tagged VLAN ID : {numbers(port.tagged) or 'none'}",
            f" Untagged VLAN ID : {port.vlan}",
        ]
    )


def comware_prompt(session: Session) -> str:
    kind, _, what = session.context.partition(" ")
    inner = {"if": f"-{what}", "vlan": f"-vlan{what}"}.get(kind, "")
    return f"[sw1{inner}]" if session.config else "<sw1>"


def aoscx_show(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    lines = [f"interface {match[1]}", "    no shutdown", "    no routing"]
    if port.mode == "access":
        lines.append(f"    vlan access {port.vlan}")
    else:
        lines += [f"    vlan trunk native {port.vlan}", f"    vlan trunk allowed {numbers(port.tagged) or 'all'}"]
    return "\n".join([*lines, "    exit"])


def aoscx_access(session: Session, match: M) -> str:
    port = here(session)
    port.vlan, port.mode, port.tagged = vlan_exists(session, match[1]), "access", set()
    return ""


def aoscx_vlans(session: Session, match: M) -> str:
    rows = [
        f"{vlan:<5} {name:<32} up      ok                      static   1/1/1"
        for vlan, name in session.switch.vlans.items()
    ]
    return "\n".join(["VLAN  Name   Status  Reason   Type   Interfaces", *rows])


def fastpath_blocks(style: str) -> Handler:
    def handler(session: Session, match: M) -> str:
        out = []
        for name, port in session.switch.ports.items():
            if match.re.groups and match[1] and match[1].strip().lower() != name.lower():
                continue
            word = {"access": "Access Mode", "trunk": "Trunk Mode"}[port.mode]
            tagged = "" if port.mode == "access" and style == "os6" else numbers(port.tagged)
            out += [
                f"Port: {name}",
                f"VLAN Membership Mode: {word}",
                f"Access Mode VLAN: {port.vlan}",
                f"General Mode PVID: {port.vlan}",
                "General Mode Ingress Filtering: Enabled",
                "General Mode Acceptable Frame Type: Admit All",
                "General Mode Dynamically Added VLANs:",
                f"General Mode Untagged VLANs: {port.vlan}",
                f"General Mode Tagged VLANs: {tagged}",
                "General Mode Forbidden VLANs:",
                f"Trunking Mode Native VLAN: {port.vlan}",
                f"Trunking Mode VLANs Enabled: {numbers(port.tagged) or 'All'}",
                "",
            ]
        if not out:
            raise Rejection("")
        return "\n".join(out)

    return handler


def os9_show(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    rows = [f"U       {port.vlan}"] + ([f"T       {numbers(port.tagged)}"] if port.tagged else [])
    return "\n".join([f"Name: {match[1]}", "802.1QTagged: False", "Vlan membership:", "Q       Vlans", *rows])


def os9_vlans(session: Session, match: M) -> str:
    rows = [
        f"{'*' if vlan == 1 else ' '}   {vlan:<6} Active    {name:<31} U Te 0/1"
        for vlan, name in session.switch.vlans.items()
    ]
    return "\n".join(["    NUM    Status    Description                     Q Ports", *rows])


def os9_untagged(session: Session, match: M) -> str:
    vlan = int(session.context.partition(" ")[2])
    port = session.switch.port(match[1])
    if port.vlan not in (1, vlan):
        raise Rejection(f"% Error: {match[1]} Port is untagged in another Vlan.")
    port.vlan = vlan
    return ""


def vlan_leave(session: Session, match: M) -> str:
    vlan = int(session.context.partition(" ")[2])
    port = session.switch.port(match[1])
    if port.vlan != vlan:
        raise Rejection("% Error: port is not a member of the VLAN.")
    port.vlan = 1
    return ""


def os10_show(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    lines = [f"interface {match[1]}", " no shutdown"]
    if port.mode == "trunk":
        lines += [" switchport mode trunk", f" switchport trunk allowed vlan {numbers(port.tagged)}"]
    return "\n".join([*lines, f" switchport access vlan {port.vlan}"])


def os10_vlans(session: Session, match: M) -> str:
    rows = [f"{'*' if vlan == 1 else ' '} {vlan:<6} Active      A Eth1/1/1" for vlan in session.switch.vlans]
    return "\n".join(["  NUM    Status    Description     Q Ports", *rows])


def routeros_ports(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    return f" 0 H interface={match[1]} bridge=bridge priority=0x80 pvid={port.vlan} frame-types=admit-all"


def routeros_vlans(session: Session, match: M) -> str:
    rows = []
    for number, vlan in enumerate(sorted(session.switch.vlans)):
        members = ",".join(name for name, port in session.switch.ports.items() if port.vlan == vlan)
        tagged = ",".join(name for name, port in session.switch.ports.items() if vlan in port.tagged)
        rows.append(
            f" {number} bridge=bridge vlan-ids={vlan} tagged= current-tagged={tagged} current-untagged={members}"
        )
    return "\n".join(rows)


def routeros_set(session: Session, match: M) -> str:
    join(session, match[1], int(match[2]))
    return ""


def routeros_add(session: Session, match: M) -> str:
    session.switch.vlans[int(match[1])] = ""
    return ""


def icx_show(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    how = (
        f"Member of L2 VLAN ID {port.vlan}, port is untagged, port state is FORWARDING"
        if not port.tagged
        else f"Member of {len(port.tagged)} L2 VLANs, port is tagged, port state is FORWARDING"
    )
    return f"GigabitEthernet{match[1]} is up, line protocol is up\n  {how}\n  Not member of any active trunks"


def icx_vlan(session: Session, match: M) -> str:
    if not session.config:
        raise Rejection("")
    vlan = int(match[1])
    session.switch.vlans.setdefault(vlan, (match[2] or "").strip())
    session.context = f"vlan {vlan}"
    return ""


def icx_vlans(session: Session, match: M) -> str:
    return "\n".join(f"vlan {vlan} name {name} by port\n!" for vlan, name in session.switch.vlans.items())


def exos_prompt(session: Session) -> str:
    return f"* sw1.{session.prompts} # "


def exos_show(session: Session, match: M) -> str:
    switch, port = session.switch, session.switch.port(match[1])
    lines = [f"Port:   {match[1]}", "        Link State:     Active, 1Gbps, full-duplex", "        VLAN cfg:"]
    if port.vlan:
        lines.append(
            f"                 Name: {switch.vlans[port.vlan]}, Internal Tag = {port.vlan}, MAC-limit = No-limit"
        )
    lines += [f"                 Name: {switch.vlans[v]}, 802.1Q Tag = {v}, MAC-limit = No-limit" for v in port.tagged]
    return "\n".join(lines)


def exos_named(session: Session, name: str) -> int:
    for vlan, known in session.switch.vlans.items():
        if known == name:
            return vlan
    raise Rejection("")


def exos_add(session: Session, match: M) -> str:
    port, vlan = session.switch.port(match[2]), exos_named(session, match[1])
    if port.vlan not in (0, vlan):
        raise Rejection(f"Error: Protocol conflict when adding untagged port {match[2]}.")
    port.vlan = vlan
    return ""


def exos_delete(session: Session, match: M) -> str:
    port, vlan = session.switch.port(match[2]), exos_named(session, match[1])
    port.vlan = 0 if port.vlan == vlan else port.vlan
    port.tagged.discard(vlan)
    return ""


def exos_create(session: Session, match: M) -> str:
    session.switch.vlans[int(match[2])] = match[1]
    return ""


def exos_unprompted(session: Session, match: M) -> str:
    session.unprompted = True
    return ""


def exos_vlans(session: Session, match: M) -> str:
    rows = [f"{name:<15} {vlan:<4} " for vlan, name in session.switch.vlans.items()]
    return "\n".join(["Name            VID  Description", *rows])


def edge_prompt(session: Session) -> str:
    kind, _, what = session.context.partition(" ")
    if kind == "database":
        return "(sw1) (Vlan)#"
    inner = f" (Interface {what})" if kind == "if" else " (Config)" if session.config else " "
    return f"(sw1){inner}{'#' if session.enabled else '>'}"


def edge_database(session: Session, match: M) -> str:
    if session.config:
        raise Rejection("")
    session.context = "database x"
    return ""


def edge_make(session: Session, match: M) -> str:
    if not session.context.startswith("database"):
        raise Rejection("")
    session.switch.vlans.setdefault(int(match[1]), f"VLAN{match[1]}")
    return ""


def edge_name(session: Session, match: M) -> str:
    session.switch.vlans[int(match[1])] = match[2].strip('"')
    return ""


def edge_drop(session: Session, match: M) -> str:
    del session.switch.vlans[vlan_exists(session, match[1])]
    return ""


def edge_include(session: Session, match: M) -> str:
    here(session).tagged.discard(vlan_exists(session, match[1]))
    return ""


def edge_pvid(session: Session, match: M) -> str:
    here(session).vlan = vlan_exists(session, match[1])
    return ""


def edge_exclude(session: Session, match: M) -> str:
    here(session).tagged.discard(int(match[1]))
    return ""


def srl_prompt(session: Session) -> str:
    where = "candidate private private-ops" if session.config else "running"
    return f"--{{ {where} }}--[  ]--\r\nA:sw1# "


def srl_show(session: Session, match: M) -> str:
    session.switch.port(match[1])
    return f"set / interface {match[1]} admin-state enable\nset / interface {match[1]} vlan-tagging false"


def srl_member(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    lines = [f"set / network-instance vlan{port.vlan} interface {match[1]}.0"] if port.vlan else []
    return "\n".join(lines)


def srl_vlans(session: Session, match: M) -> str:
    return "\n".join(f"set / network-instance vlan{vlan} type mac-vrf" for vlan in session.switch.vlans)


def srl_join(session: Session, match: M) -> str:
    port, vlan = session.switch.port(match[2]), int(match[1])
    session.candidate.append(lambda: setattr(port, "vlan", vlan))
    return ""


def srl_create(session: Session, match: M) -> str:
    session.candidate.append(lambda: session.switch.vlans.update({int(match[1]): f"vlan{match[1]}"}))
    return ""


def srl_drop(session: Session, match: M) -> str:
    session.candidate.append(lambda: session.switch.vlans.pop(int(match[1]), None))
    return ""


def huawei_row(session: Session, match: M) -> str:
    port = session.switch.port(match[1])
    return "\n".join(
        [
            "Port                    Link Type    PVID  Trunk VLAN List",
            "-" * 79,
            f"{match[1]:<23} {port.mode:<12} {port.vlan:<5} {numbers(port.tagged) or '-'}",
        ]
    )


def huawei_vlans(session: Session, match: M) -> str:
    rows = [f"{vlan:<4} common  UT:GE0/0/1(U)" for vlan in session.switch.vlans]
    return "\n".join(["The total number of vlans is : 3", *rows])


def comware_vlans(session: Session, match: M) -> str:
    return "\n\n".join(
        f" VLAN ID: {vlan}\n VLAN type: Static\n Description: VLAN {vlan:04d}\n Name: {name}"
        for vlan, name in session.switch.vlans.items()
    )


def comware_access(session: Session, match: M) -> str:
    here(session).vlan = vlan_exists(session, match[1])
    return ""


_COMWARE_LINES: list[tuple[str, Handler]] = [
    (r"interface (\S+)", into("if")),
    (r"vlan (\d+)", make_vlan),
    (r"name (\S+)", name_vlan),
    (r"undo vlan (\d+)", drop_vlan),
    (r"port link-type (access)", mode),
    (r"port (?:access|default) vlan (\d+)", comware_access),
]


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        _cisco("cisco_ios", "ios", r"show interfaces(?: (\S+))? switchport"),
        _cisco("cisco_iosxe", "ios", r"show interfaces(?: (\S+))? switchport"),
        _cisco("cisco_nxos", "nxos", r"show interface(?: (\S+))? switchport"),
        _cisco("arista_eos", "ios", r"show interfaces(?: (\S+))? switchport", paging_answer="Pagination disabled."),
        _junos("juniper_junos_els", "interface-mode"),
        _junos("juniper_junos_nonels", "port-mode"),
        Dialect(
            "hp_procurve",
            cisco_prompt,
            [
                (r"terminal width \d+", ok),
                (r"vlan (\d+)", make_vlan),
                (r"name (\S+)", name_vlan),
                (r"no vlan (\d+)", drop_vlan),
                (r"untagged (\S+)", procurve_untagged),
                (r"show vlans ports (\S+) detail", procurve_show),
                (r"show vlans", procurve_vlans),
                (r"write memory", saving),
            ],
            paging_off=r"no page|terminal length \d+",
            greeting="Copyright (C) 1991-2012\r\n\r\nPress any key to continue",
            rejection="Invalid input: that",
        ),
        Dialect(
            "hp_comware",
            comware_prompt,
            [
                *_COMWARE_LINES,
                (r"display interface (\S+)", comware_show),
                (r"display vlan all", comware_vlans),
                (r"save force", saving),
            ],
            paging_off=r"screen-length disable",
            rejection=" % Unrecognized command found at '^' position.",
            enter="system-view",
            leave="return",
            up="quit",
        ),
        Dialect(
            "aruba_aoscx",
            cisco_prompt,
            [
                (r"interface (\S+)", into("if")),
                (r"vlan (\d+)", make_vlan),
                (r"name (\S+)", name_vlan),
                (r"no vlan (\d+)", drop_vlan),
                (r"no routing", ok),
                (r"vlan access (\d+)", aoscx_access),
                (r"show running-config interface (\S+)", aoscx_show),
                (r"show vlan", aoscx_vlans),
                (r"copy running-config startup-config", saving),
            ],
            paging_off=r"no page",
            rejection="Invalid input: that",
            enter="conf.*",
        ),
        Dialect(
            "dell_os6",
            cisco_prompt,
            [
                *CISCO_LINES,
                (r"show interfaces switchport(?: (\S+))?", fastpath_blocks("os6")),
                (r"show vlan", show_vlan),
                (
                    r"copy running-config startup-config",
                    saving_asked("This operation may take few minutes.\r\nAre you sure you want to save? (y/n) "),
                ),
            ],
            paging_off=r"terminal length 0",
            rejection="                            ^\n% Invalid input detected at '^' marker.",
            enter="config(?:ure)?",
        ),
        Dialect(
            "dell_os9",
            cisco_prompt,
            [
                (r"interface vlan (\d+)", make_vlan),
                (r"name (\S+)", name_vlan),
                (r"no shutdown", ok),
                (r"no interface vlan (\d+)", drop_vlan),
                (r"untagged (\S+(?: \S+)?)", os9_untagged),
                (r"no untagged (\S+(?: \S+)?)", vlan_leave),
                (r"show interfaces switchport (\S+(?: \S+)?)", os9_show),
                (r"show vlan", os9_vlans),
                (r"write memory", saving),
                (r"terminal width \d+", ok),
            ],
            paging_off=r"terminal length 0",
            rejection='% Error: Invalid input at "^" marker.',
        ),
        Dialect(
            "dell_os10",
            cisco_prompt,
            [
                (r"interface vlan (\d+)", make_vlan),
                (r"interface (\S+)", into("if")),
                (r"description (\S+)", name_vlan),
                (r"no interface vlan (\d+)", drop_vlan),
                (r"switchport mode (\S+)", mode),
                (r"switchport access vlan (\d+)", edge_pvid),
                (r"show running-configuration interface (\S+)", os10_show),
                (r"show vlan", os10_vlans),
                (r"copy running-configuration startup-configuration", saving),
            ],
            paging_off=r"terminal length 0",
            rejection="% Error: Unrecognized command.",
        ),
        Dialect(
            "mikrotik_routeros",
            lambda session: "[ops@sw1] > ",
            [
                (r"/interface/bridge/port print terse where interface=(\S+)", routeros_ports),
                (r"/interface/bridge/vlan print terse", routeros_vlans),
                (r"/interface/bridge/port set \[find interface=(\S+)\] pvid=(\d+) frame-types=\S+", routeros_set),
                (r"/interface/bridge/vlan add bridge=\S* vlan-ids=(\d+)", routeros_add),
            ],
            paging_off=r"-",
            rejection="bad command name that (line 1 column 1)",
        ),
        Dialect(
            "ruckus_icx",
            cisco_prompt,
            [
                (r"vlan (\d+)(?: name (\S+))? by port", icx_vlan),
                (r"no vlan (\d+)", drop_vlan),
                (r"untagged ethernet (\S+)", os9_untagged),
                (r"no untagged ethernet (\S+)", vlan_leave),
                (r"show interfaces ethernet (\S+)", icx_show),
                (r"show running-config vlan", icx_vlans),
                (r"write memory", saving),
            ],
            paging_off=r"skip-page-display",
            rejection="Invalid input -> that",
        ),
        Dialect(
            "extreme_exos",
            exos_prompt,
            [
                (r"disable cli prompting", exos_unprompted),
                (r"show ports (\S+) information detail", exos_show),
                (r"show vlan description", exos_vlans),
                (r"configure vlan (\S+) add ports (\S+) untagged", exos_add),
                (r"configure vlan (\S+) delete ports (\S+)", exos_delete),
                (r"create vlan (\S+) tag (\d+)", exos_create),
                (
                    r"save configuration primary",
                    lambda session, match: (
                        saving(session, match)
                        if session.unprompted
                        else saving_asked("Do you want to save configuration to primary.cfg? (y/N) ")(session, match)
                    ),
                ),
            ],
            paging_off=r"disable clipaging",
            rejection="%% Invalid input detected at '^' marker.",
        ),
        Dialect(
            "ubiquiti_edgeswitch",
            edge_prompt,
            [
                (r"interface (\S+)", into("if")),
                (r"vlan participation include (\d+)", edge_include),
                (r"vlan pvid (\d+)", edge_pvid),
                (r"no vlan tagging (\d+)", edge_include),
                (r"vlan participation exclude (\d+)", edge_exclude),
                (r"vlan database", edge_database),
                (r"vlan (\d+)", edge_make),
                (r"vlan name (\d+) (\S+)", edge_name),
                (r"no vlan (\d+)", edge_drop),
                (r"show interfaces switchport", fastpath_blocks("edge")),
                (r"show vlan brief", show_vlan),
                (
                    r"write memory",
                    saving_asked("This operation may take a few minutes.\r\nAre you sure you want to save? (y/n) "),
                ),
            ],
            paging_off=r"terminal length 0",
            rejection="                     ^\n% Invalid input detected at '^' marker.",
            enter="config(?:ure)?",
        ),
        Dialect(
            "nokia_srl",
            srl_prompt,
            [
                (r"environment .*", ok),
                (r"info flat from running / interface (\S+)", srl_show),
                (r"info flat from running / network-instance \* interface (\S+)\.0", srl_member),
                (r"info flat from running / network-instance \* type", srl_vlans),
                (r"delete / network-instance vlan(\d+) interface (\S+)\.0", ok),
                (r"set / interface (\S+) .*", ok),
                (r"set / network-instance vlan(\d+) interface (\S+)\.0", srl_join),
                (r"set / network-instance vlan(\d+) type mac-vrf", srl_create),
                (r"set / network-instance vlan(\d+) admin-state enable", ok),
                (r"delete / network-instance vlan(\d+)", srl_drop),
                (r"commit validate", ok),
                (r"commit stay", commit_running),
                (r"discard stay", rollback),
                (r"save startup", saving),
            ],
            paging_off=r"-",
            rejection="Parsing error: Unknown token 'that'",
            enter="enter candidate(?: private)?",
            leave="discard now|enter running|exit",
        ),
        Dialect(
            "huawei_vrp",
            comware_prompt,
            [
                *_COMWARE_LINES,
                (r"display port vlan (\S+)", huawei_row),
                (r"display vlan", huawei_vlans),
                (r"save", saving_asked("Warning: The current configuration will be written.\r\nContinue? [Y/N]:")),
            ],
            paging_off=r"screen-length 0 temporary",
            rejection="Error: Unrecognized command found at '^' position.",
            enter="system-view",
            leave="return",
            up="quit",
        ),
    )
}

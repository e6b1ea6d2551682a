"""A server that answers as NetBox's REST API does, made of the objects of a dump.

Source of the shapes: the serializers of https://github.com/netbox-community/netbox (`*/api/serializers_/`), its filter
sets (`id`, `id__gt`, `ordering`), its paging (`netbox/api/pagination.py`) and `fields`, `brief`
(`netbox/api/viewsets`).
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Fields = dict[str, Any]
Answer = tuple[int, str, bytes, dict[str, str]]

PATHS = {
    "circuits.circuit": "circuits/circuits", "circuits.circuittermination": "circuits/circuit-terminations",
    "circuits.provider": "circuits/providers",
    "dcim.cable": "dcim/cables", "dcim.cabletermination": "dcim/cable-terminations",
    "dcim.consoleport": "dcim/console-ports", "dcim.consoleporttemplate": "dcim/console-port-templates",
    "dcim.consoleserverport": "dcim/console-server-ports",
    "dcim.consoleserverporttemplate": "dcim/console-server-port-templates",
    "dcim.device": "dcim/devices", "dcim.devicebay": "dcim/device-bays", "dcim.devicerole": "dcim/device-roles",
    "dcim.devicetype": "dcim/device-types", "dcim.frontport": "dcim/front-ports",
    "dcim.frontporttemplate": "dcim/front-port-templates", "dcim.interface": "dcim/interfaces",
    "dcim.interfacetemplate": "dcim/interface-templates", "dcim.inventoryitem": "dcim/inventory-items",
    "dcim.inventoryitemrole": "dcim/inventory-item-roles", "dcim.modulebay": "dcim/module-bays",
    "dcim.moduletype": "dcim/module-types",
    "dcim.location": "dcim/locations", "dcim.macaddress": "dcim/mac-addresses",
    "dcim.manufacturer": "dcim/manufacturers", "dcim.module": "dcim/modules", "dcim.platform": "dcim/platforms",
    "dcim.powerfeed": "dcim/power-feeds", "dcim.poweroutlet": "dcim/power-outlets",
    "dcim.poweroutlettemplate": "dcim/power-outlet-templates", "dcim.powerpanel": "dcim/power-panels",
    "dcim.powerport": "dcim/power-ports", "dcim.powerporttemplate": "dcim/power-port-templates",
    "dcim.rack": "dcim/racks", "dcim.rackreservation": "dcim/rack-reservations", "dcim.rackrole": "dcim/rack-roles",
    "dcim.racktype": "dcim/rack-types", "dcim.rearport": "dcim/rear-ports",
    "dcim.rearporttemplate": "dcim/rear-port-templates", "dcim.region": "dcim/regions", "dcim.site": "dcim/sites",
    "dcim.sitegroup": "dcim/site-groups", "dcim.virtualchassis": "dcim/virtual-chassis",
    "extras.customfield": "extras/custom-fields", "extras.tag": "extras/tags",
    "ipam.aggregate": "ipam/aggregates", "ipam.asn": "ipam/asns", "ipam.fhrpgroup": "ipam/fhrp-groups",
    "ipam.fhrpgroupassignment": "ipam/fhrp-group-assignments",
    "ipam.ipaddress": "ipam/ip-addresses", "ipam.iprange": "ipam/ip-ranges", "ipam.prefix": "ipam/prefixes",
    "ipam.role": "ipam/roles", "ipam.service": "ipam/services", "ipam.vlan": "ipam/vlans",
    "ipam.vlangroup": "ipam/vlan-groups", "ipam.vrf": "ipam/vrfs",
    "tenancy.contact": "tenancy/contacts", "tenancy.tenant": "tenancy/tenants",
    "virtualization.cluster": "virtualization/clusters", "virtualization.clustergroup": "virtualization/cluster-groups",
    "virtualization.clustertype": "virtualization/cluster-types",
    "virtualization.virtualmachine": "virtualization/virtual-machines",
    "virtualization.vminterface": "virtualization/interfaces",
    "vpn.tunnel": "vpn/tunnels", "wireless.wirelesslan": "wireless/wireless-lans",
}  # fmt: skip
_SINCE = {"dcim.macaddress": (4, 2), "dcim.racktype": (4, 1)}

_FOREIGN = {
    "bridge": "dcim.interface", "circuit": "circuits.circuit", "cluster": "virtualization.cluster",
    "device": "dcim.device", "device_type": "dcim.devicetype", "installed_device": "dcim.device",
    "lag": "dcim.interface", "location": "dcim.location", "manufacturer": "dcim.manufacturer", "master": "dcim.device",
    "module": "dcim.module", "module_bay": "dcim.modulebay", "module_type": "dcim.moduletype",
    "oob_ip": "ipam.ipaddress", "platform": "dcim.platform", "power_panel": "dcim.powerpanel",
    "power_port": "dcim.powerport", "primary_ip4": "ipam.ipaddress", "primary_ip6": "ipam.ipaddress",
    "primary_mac_address": "dcim.macaddress", "provider": "circuits.provider", "rack": "dcim.rack",
    "rack_type": "dcim.racktype", "rear_port": "dcim.rearport", "region": "dcim.region", "site": "dcim.site",
    "tenant": "tenancy.tenant", "untagged_vlan": "ipam.vlan", "virtual_chassis": "dcim.virtualchassis",
    "virtual_machine": "virtualization.virtualmachine", "vlan": "ipam.vlan", "vrf": "ipam.vrf",
}  # fmt: skip
_FOREIGN_OF = {
    ("dcim.device", "role"): "dcim.devicerole", ("virtualization.virtualmachine", "role"): "dcim.devicerole",
    ("dcim.inventoryitem", "role"): "dcim.inventoryitemrole", ("ipam.fhrpgroupassignment", "group"): "ipam.fhrpgroup",
    ("dcim.rack", "role"): "dcim.rackrole", ("ipam.vlan", "role"): "ipam.role", ("ipam.prefix", "role"): "ipam.role",
    ("dcim.site", "group"): "dcim.sitegroup", ("ipam.vlan", "group"): "ipam.vlangroup",
    ("virtualization.cluster", "group"): "virtualization.clustergroup",
    ("virtualization.cluster", "type"): "virtualization.clustertype",
    ("dcim.location", "parent"): "dcim.location", ("dcim.region", "parent"): "dcim.region",
    ("dcim.interface", "parent"): "dcim.interface",
    ("virtualization.vminterface", "parent"): "virtualization.vminterface",
    ("virtualization.vminterface", "bridge"): "virtualization.vminterface",
    ("dcim.frontporttemplate", "rear_port"): "dcim.rearporttemplate",
    ("dcim.poweroutlettemplate", "power_port"): "dcim.powerporttemplate",
}  # fmt: skip
_PLAIN_NUMBERS = {("dcim.cabletermination", "cable")}
_CHOICES = {
    "status", "face", "airflow", "mode", "duplex", "poe_mode", "poe_type", "feed_leg", "length_unit", "width",
    "profile", "form_factor",
}  # fmt: skip
_CHOICES_OF = {("ipam.ipaddress", "role"), ("extras.customfield", "type")}
_NO_CHOICE = {("dcim.cable", "type")}
_NO_DECIMAL = {("dcim.modulebay", "position")}
_DECIMALS = {"position", "u_height", "vcpus", "latitude", "longitude", "length"}
_TYPES = {
    "termination_type",
    "assigned_object_type",
    "interface_type",
    "scope_type",
    "object_type",
    "related_object_type",
}
_OWN = {"_site", "content_types", "object_types"}


class NetBox:
    """Use as a context manager: `with NetBox(objects) as netbox: ... netbox.url, netbox.token`.

    asked: the paths with their queries that were asked. fault: called with each path, may give another answer.
    """

    def __init__(
        self,
        objects: Iterable[Mapping[str, Any]],
        version: str = "4.4.2",
        token: str = "0123456789abcdef",
        most: int = 1000,
    ) -> None:
        self.tables: dict[str, dict[int, Fields]] = {}
        self.version, self.token, self.most = version, token, most
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.written: list[tuple[str, str, Any]] = []
        self.fault: Callable[[str], Answer | None] = lambda path: None
        self.changes: dict[int, Fields] = {}
        self._tags: dict[tuple[str, int], list[int]] = {}
        self._updates = 0
        for each in objects:
            if "pk" in each:
                self.tables.setdefault(each["model"], {})[each["pk"]] = {**each["fields"]}
        for each in objects:
            if each["model"] == "extras.taggeditem":
                fields = each["fields"]
                key = (".".join(fields["content_type"]), fields["object_id"])
                self._tags.setdefault(key, []).append(fields["tag"])
        self._upgrade()
        for rows in self.tables.values():
            for fields in rows.values():
                fields.setdefault("last_updated", "2026-01-01T00:00:00Z")

    def _upgrade(self) -> None:
        """What NetBox's migrations make of objects of an older version (ipam 0071, virtualization 0044, dcim 0222)."""
        if self._version >= (4, 2):
            for model in ("ipam.prefix", "virtualization.cluster"):
                for fields in self.tables.get(model, {}).values():
                    if site := fields.pop("site", None):
                        fields |= {"scope_type": ["dcim", "site"], "scope_id": site, "_site": site}
        for sort in ("", "template") if self._version >= (4, 5) else ():
            mappings = self.tables.setdefault(f"dcim.port{sort}mapping", {})
            for pk, fields in self.tables.get(f"dcim.frontport{sort}", {}).items():
                if rear := fields.pop("rear_port", None):
                    mappings[max(mappings, default=0) + 1] = {
                        "front_port": pk, "front_port_position": 1, "rear_port": rear,
                        "rear_port_position": fields.pop("rear_port_position", 1),
                    }  # fmt: skip

    # --- what people do in it ----------------------------------------------------------------------------------------

    def change(self, model: str, pk: int, **fields: Any) -> None:
        """Changes an object, as somebody does in the pages of NetBox."""
        self._updates += 1
        self.tables[model][pk] |= {**fields, "last_updated": f"2026-02-01T00:00:{self._updates:02}Z"}
        self._log(model, pk, "update")

    def add(self, model: str, pk: int, **fields: Any) -> None:
        self.tables.setdefault(model, {})[pk] = {"last_updated": "2026-03-01T00:00:00Z", **fields}
        self._log(model, pk, "create")

    def delete(self, model: str, pk: int) -> None:
        del self.tables[model][pk]
        self._log(model, pk, "delete")

    def dump(self) -> list[Fields]:
        """What its `manage.py dumpdata` writes now."""
        objects = [
            {"model": model, "pk": pk, "fields": fields}
            for model, rows in self.tables.items() if model != "extras.taggeditem" for pk, fields in rows.items()
        ]  # fmt: skip
        for (model, pk), tags in self._tags.items():
            for tag in tags:
                fields = {"content_type": model.split("."), "object_id": pk, "tag": tag}
                objects.append({"model": "extras.taggeditem", "pk": len(objects), "fields": fields})
        return objects

    def tag(self, model: str, pk: int, tags: list[int]) -> None:
        """Gives an object these tags and no others."""
        self._tags[model, pk] = tags
        self.change(model, pk)

    def prune(self) -> None:
        """Forgets the changes that are logged, as CHANGELOG_RETENTION has it."""
        last = max(self.changes, default=0)
        self.changes.clear()
        self._log("extras.tag", 0, "update", last + 1)

    def _log(self, model: str, pk: int, action: str, number: int = 0) -> None:
        number = number or max(self.changes, default=0) + 1
        self.changes[number] = {
            "time": "2026-03-01T00:00:00Z", "action": action, "changed_object_type": model, "changed_object_id": pk,
        }  # fmt: skip

    # --- the server --------------------------------------------------------------------------------------------------

    def __enter__(self) -> NetBox:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(owner._get(self.path, dict(self.headers)))

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(owner._write(self.command, self.path, dict(self.headers), body))

            do_POST = do_PATCH

            def do_DELETE(self) -> None:
                self._answer(owner._write(self.command, self.path, dict(self.headers), None))

            def _answer(self, answer: Answer) -> None:
                status, kind, body, headers = answer
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("API-Version", ".".join(owner.version.split(".")[:2]))
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                if int(headers.get("Content-Length", len(body))) > len(body):
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Speaks TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _allowed(self, headers: Mapping[str, str]) -> bool:
        given = {name.lower(): value for name, value in headers.items()}.get("authorization")
        self.headers.append(dict(headers))
        scheme = "Bearer" if self.token.startswith("nbt_") else "Token"
        return given == f"{scheme} {self.token}"

    def _get(self, path: str, headers: Mapping[str, str]) -> Answer:
        self.asked.append(path)
        if (answer := self.fault(path)) is not None:
            return answer
        if not self._allowed(headers):
            return _json(403, {"detail": "Invalid token"})
        parts = urlsplit(path)
        query = parse_qs(parts.query, keep_blank_values=True)
        place = parts.path.removeprefix("/api/").strip("/")
        if place == "":
            return _json(200, {"dcim": f"{self.url}/api/dcim/"})
        if place == "status":
            return _json(200, {"netbox-version": self.version, "django-version": "5.2", "plugins": {}})
        feed = "core/object-changes" if self._version >= (4, 1) else "extras/object-changes"
        if place == feed:
            return self._list(self.changes, query, lambda pk, row: {"id": pk, "display": "x", **row}, parts.path)
        model = next((model for model, where in PATHS.items() if where == place), None)
        if model is None or self._version < _SINCE.get(model, (0, 0)):
            return 404, "text/html", b"<h1>Not found</h1>", {}
        return self._list(self.tables.get(model, {}), query, lambda pk, row: self._object(model, pk, row), parts.path)

    @property
    def _version(self) -> tuple[int, ...]:
        return tuple(map(int, self.version.split(".")[:2]))

    def _list(
        self,
        rows: Mapping[int, Fields],
        query: Mapping[str, list[str]],
        shown: Callable[[int, Fields], Fields],
        path: str,
    ) -> Answer:
        above = int(query.get("id__gt", ["0"])[0])
        wanted = {int(each) for each in query.get("id", ())}
        keys = sorted(pk for pk in rows if pk > above and (not wanted or pk in wanted))
        keys = keys[::-1] if query.get("ordering") == ["-id"] else keys
        limit = min(int(query.get("limit", ["50"])[0]) or self.most, self.most)
        offset = int(query.get("offset", ["0"])[0])
        page = [shown(pk, rows[pk]) for pk in keys[offset : offset + limit]]
        if "fields" in query:
            chosen = set(query["fields"][0].split(","))
            page = [{name: value for name, value in each.items() if name in chosen} for each in page]
        more = offset + limit < len(keys)
        following = {**{name: values[0] for name, values in query.items()}, "limit": limit, "offset": offset + limit}
        following_url = f"http://inside.example.invalid{path}?{urlencode(following)}" if more else None
        return _json(200, {"count": len(keys), "next": following_url, "previous": None, "results": page})

    def _write(self, verb: str, path: str, headers: Mapping[str, str], body: Any) -> Answer:
        if (answer := self.fault(path)) is not None:
            return answer
        if not self._allowed(headers):
            return _json(403, {"detail": "Invalid token"})
        *place, last = path.removeprefix("/api/").strip("/").split("/")
        where = "/".join(place) if last.isdigit() else "/".join((*place, last))
        model = next(model for model, found in PATHS.items() if found == where)
        self.written.append((verb, path, body))
        if verb == "DELETE":
            self.delete(model, int(last))
            return 204, "application/json", b"", {}
        pk = int(last) if last.isdigit() else max(self.tables.get(model, {}), default=0) + 1
        fields = {name: value for name, value in body.items() if not name.endswith("_terminations")}
        if custom := fields.pop("custom_fields", None):
            fields["custom_field_data"] = {**self.tables[model][pk].get("custom_field_data", {}), **custom}
        (self.change if last.isdigit() else self.add)(model, pk, **fields)
        for side in ("a", "b"):
            for each in body.get(f"{side}_terminations", ()):
                number = max(self.tables.get("dcim.cabletermination", {}), default=0) + 1
                self.add(
                    "dcim.cabletermination", number, cable=pk, cable_end=side.upper(),
                    termination_type=each["object_type"].split("."), termination_id=each["object_id"],
                )  # fmt: skip
        return _json(200 if last.isdigit() else 201, self._object(model, pk, self.tables[model][pk]))

    # --- objects -----------------------------------------------------------------------------------------------------

    def _object(self, model: str, pk: int, row: Fields) -> Fields:
        shown: Fields = {"id": pk, "url": f"{self.url}/api/{PATHS[model]}/{pk}/", "display": str(row.get("name"))}
        for name, value in row.items():
            if name == "custom_field_data":
                shown["custom_fields"] = {each: self._custom(each, found) for each, found in (value or {}).items()}
            elif name not in _OWN and not (name == "site" and self._is_scoped(model)):
                shown[name] = self._shown(model, name, value)
        shown.setdefault("custom_fields", {})
        shown["tags"] = [self._nested("extras.tag", tag) for tag in self._tags.get((model, pk), ())]
        if self._version >= (4, 5) and model in ("dcim.frontport", "dcim.frontporttemplate"):
            sort = "template" if model.endswith("template") else ""
            shown["rear_ports"] = [
                {"position": each["front_port_position"], "rear_port": each["rear_port"],
                 "rear_port_position": each["rear_port_position"]}
                for each in self.tables.get(f"dcim.port{sort}mapping", {}).values() if each["front_port"] == pk
            ]  # fmt: skip
        return shown

    def _is_scoped(self, model: str) -> bool:
        return model in ("ipam.prefix", "virtualization.cluster") and self._version >= (4, 2)

    def _shown(self, model: str, name: str, value: Any) -> Any:
        if name in _TYPES and isinstance(value, list):
            return ".".join(value)
        if name == "tagged_vlans":
            return [self._nested("ipam.vlan", each) for each in value or ()]
        target = _FOREIGN_OF.get((model, name), _FOREIGN.get(name))
        if target and isinstance(value, int) and (model, name) not in _PLAIN_NUMBERS:
            return self._nested(target, value)
        if name in _DECIMALS and (model, name) not in _NO_DECIMAL and isinstance(value, str):
            return float(value) if value else None
        if self._is_choice(model, name):
            return {"value": value, "label": str(value).title()} if value not in (None, "") else None
        return value

    def _is_choice(self, model: str, name: str) -> bool:
        if (model, name) in _FOREIGN_OF or (model, name) in _NO_CHOICE:
            return False
        return name in _CHOICES or (model, name) in _CHOICES_OF or (
            name == "type" and model.startswith("dcim.") and (model, name) not in _FOREIGN_OF
        )  # fmt: skip

    def _nested(self, model: str, pk: int) -> Fields:
        row = self.tables.get(model, {}).get(pk, {})
        name = row.get("name") or row.get("model") or row.get("address") or str(pk)
        return {
            "id": pk,
            "url": f"{self.url}/api/{PATHS[model]}/{pk}/",
            "display": name,
            "name": name,
            "description": "",
        }

    def _custom(self, name: str, value: Any) -> Any:
        field = next((each for each in self.tables.get("extras.customfield", {}).values() if each["name"] == name), {})
        about = ".".join(field.get("related_object_type") or field.get("object_type") or ())
        if field.get("type") == "object" and value is not None:
            return self._nested(about, value)
        if field.get("type") == "multiobject":
            return [self._nested(about, each) for each in value or ()]
        if field.get("type") == "select" and value is not None and self._version >= (4, 7):
            return {"value": value, "label": str(value).title()}
        return value


def _json(status: int, data: Any) -> Answer:
    return status, "application/json", json.dumps(data).encode(), {}

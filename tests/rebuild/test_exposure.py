"""What others than the machine can read is told before it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusto_cli.backends.provision.quoting import Unquotable, hashed
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.rules.claims import hold
from tests.security.plain import Plain, plain

RECIPES: dict[str, dict[str, object]] = {
    "debian": {"os.release": "bookworm", "os.mirror": "http://192.0.2.5/debian", "os.root_password": "$6$salt$hash"},
    "image": {"os.image": "images/system.img", "os.disk": "/dev/vda"},
    "fai": {"fai.nfsroot": "192.0.2.1:/srv/fai/nfsroot", "fai.config": "nfs://192.0.2.1/srv/fai/config"},
}
TOKEN = "carry the token of the rebuild"
READ = "can read it"


@pytest.fixture
def operator(tmp_path: Path) -> Plain:
    found = plain(tmp_path / "home")
    found.has("server1:eth0", {"mac": "52:54:00:00:00:01"})
    with Inventory(Settings(f"sqlite:///{found.home}/clusto.db")).change() as change:
        hold(change.unit, change.resolve("server1:eth0"), "192.0.2.11")
    found.has("server1", {"rebuild.url": "http://192.0.2.1", "rebuild.dir": "/srv/tftp", "rebuild.probe": "none"})
    return found


def preflight(operator: Plain, recipe: str, attributes: dict[str, object], line: str = "") -> str:
    """What the preflight says on standard error, which goes no further: there is no power to be had here."""
    operator.has("server1", {"os.profile": recipe, **RECIPES.get(recipe, {}), **attributes})
    done = operator(f"{line} rebuild server1 --dry-run")
    assert "ok   recipe" in done.err, done
    return done.err


def template(operator: Plain, text: str) -> None:
    """The site's own, before clusto's."""
    folder = operator.config.parent / "templates" / "debian"
    folder.mkdir(parents=True)
    (folder / "preseed.cfg").write_text(
        '{% extends "shipped/debian/preseed.cfg" %}{% block more %}' + text + "{% endblock %}"
    )


@pytest.mark.parametrize(
    ("recipe", "attributes", "told"),
    [
        ("fai", {}, True),
        ("image", {}, True),
        ("debian", {}, False),
        ("debian", {"rebuild.answers": "token"}, True),
    ],
)
def test_a_token_in_a_boot_file_is_told_once(
    operator: Plain, recipe: str, attributes: dict[str, object], told: bool
) -> None:
    said = [preflight(operator, recipe, attributes, line).count(TOKEN) for line in ("", "", "-v")]
    assert said == [told, 0, told]


def test_a_secret_that_a_template_uses_is_told(operator: Plain) -> None:
    template(operator, "d-i wifi string {{ wifi.psk }}\nd-i encoded string {{ ldap.password | upper }}\n")
    operator.secret("psk", "the operator's own")
    said = preflight(
        operator, "debian", {"wifi.psk": "secret:psk", "ldap.password": "hunter2", "bmc.password": "other"}
    )
    assert f"wifi.psk is used in preseed.cfg: whoever can fetch that {READ}" in said
    assert f"ldap.password is used in an answer: whoever can fetch that {READ}" in said
    assert said.count(READ) == 2, "what no template uses is not exposed"
    assert not [text for text in ("operator's own", "hunter2") if text in said]


def test_a_secret_in_a_boot_file_is_told(operator: Plain) -> None:
    said = preflight(operator, "image", {"os.args": "quiet"})
    assert READ not in said
    folder = operator.config.parent / "profiles" / "os"
    folder.mkdir(parents=True)
    (folder / "own.toml").write_text(
        'title = "Our own"\nkernel = "linux"\narguments = ["psk={{ wifi.psk }}"]\n[signs]\nup = "login:"\n'
    )
    said = preflight(operator, "own", {"wifi.psk": "hunter2"})
    assert f"wifi.psk stands in the boot file: anybody {READ}, by TFTP too" in said


def test_what_is_meant_to_be_read_is_not_told(operator: Plain) -> None:
    public = {"os.ssh_key": "ssh-ed25519 AAAA ops", "os.root_password": "$y$j9T$salt$hash"}
    assert READ not in preflight(operator, "debian", public)
    private = {"os.ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}
    assert "os.ssh_key is used in preseed.cfg" in preflight(operator, "debian", private)


def test_a_site_s_template_that_takes_a_password_as_it_is(operator: Plain) -> None:
    folder = operator.config.parent / "templates"
    folder.mkdir(parents=True)
    (folder / "plain.cfg").write_text("d-i passwd/root-password password {{ os.root_password }}\n")
    said = preflight(operator, "debian", {"os.root_password": "hunter2", "os.template.preseed.cfg": "plain.cfg"})
    assert f"os.root_password is used in preseed.cfg: whoever can fetch that {READ}" in said


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("$6$salt$hash", True),
        ("$y$j9T$salt$hash", True),
        ("!", True),
        ("*", True),
        ("!$6$salt$hash", True),
        ("****", True),
        ("", False),
        ("hunter2", False),
        ("!hunter2", False),
        ("*hunter2", False),
        ("$hunter2", False),
    ],
)
def test_a_hash_is_no_password(text: str, fine: bool) -> None:
    if fine:
        assert hashed(text) == text
    else:
        with pytest.raises(Unquotable):
            hashed(text)

"""What is rendered is what its readers take: each boot file and each answer is read by the real program, where Debian
or PyPI has it, and by its meaning.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pykickstart.base import KickstartHandler
from pykickstart.parser import KickstartParser
from pykickstart.version import makeVersion

from clusto_cli.backends.base import BootMachine, BootState
from clusto_cli.backends.provision import recipe
from clusto_cli.backends.provision.environment import RenderError
from clusto_cli.backends.provision.loaders import state_of
from clusto_cli.backends.provision.recipe import Recipe
from clusto_cli.backends.provision.render import Facts, Renderer
from tests.provision.machines import COMMON, EVENTS, KEYS, MAC, NEEDED, PASSWORD, TOKEN, URL, facts, rendered

FULL = {
    "os.console": "ttyS1,57600e7",
    "os.args": "vga=788 quiet",
    "os.kernel_args": "net.ifnames=0 nomodeset",
    "os.disk": "/dev/sda",
    "os.packages": "vim, htop\ntmux",
    "os.proxy": "http://192.0.2.9:3142/",
}
RECIPES = sorted(NEEDED)


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return found


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def kernel_words(machine: BootMachine, loader: str) -> list[str]:
    """The kernel's arguments as that loader hands them on, without the initial file systems that it adds."""
    text = next(text for path, text in machine.install.items() if path.startswith(loader))
    if loader == "grub":
        line = next(line for line in text.splitlines() if line.startswith("linux "))
        return shlex.split(line)[2:]
    words = next(line for line in text.splitlines() if line.split()[0] in ("APPEND", "kernel")).split()
    return words[1:] if loader == "pxelinux" else [word for word in words[2:] if not word.startswith("initrd=initrd")]


@pytest.mark.parametrize("more", [{}, FULL], ids=["least", "full"])
@pytest.mark.parametrize("name", RECIPES)
def test_all_loaders_hand_on_the_same_arguments(name: str, more: Mapping[str, str]) -> None:
    machine = rendered(name, more)
    words = kernel_words(machine, "pxelinux")
    assert words
    assert words == kernel_words(machine, "ipxe") == kernel_words(machine, "grub")


@pytest.mark.parametrize("more", [{}, FULL, {"rebuild.local_boot": "disk"}], ids=["least", "full", "disk"])
@pytest.mark.parametrize("name", RECIPES)
def test_grubs_own_checker_takes_every_script(name: str, more: Mapping[str, str], tmp_path: Path) -> None:
    checker = program("grub-script-check", "grub-common")
    machine = rendered(name, more)
    texts = [text for files in (machine.install, machine.local) for path, text in files.items() if "grub" in path]
    texts += [file.text for file in Renderer().shared(facts(more).attributes) if "grub" in file.path]
    assert len(texts) == 7
    for text in texts:
        (tmp_path / "script").write_text(text)
        run(checker, tmp_path / "script")


def test_arguments_of_debian() -> None:
    assert kernel_words(rendered("debian", FULL), "pxelinux") == [
        "auto=true",
        "priority=critical",
        f"url={URL}/hosts/server1.example.org/preseed.cfg",
        "interface=auto",
        "BOOTIF=01-52-54-00-aa-bb-01",
        "hostname=server1",
        "domain=example.org",
        "DEBIAN_FRONTEND=text",
        "vga=788",
        "quiet",
        "---",
        "console=tty0",
        "console=ttyS1,57600e7",
        "net.ifnames=0",
        "nomodeset",
    ]


def test_ubuntus_semicolon_is_quoted_where_it_must_be() -> None:
    machine = rendered("ubuntu")
    seed = f"ds=nocloud-net;s={URL}/hosts/server1.example.org/"
    assert f"'{seed}'" in machine.install[f"grub/grub.cfg-{MAC}"]
    assert f" {seed} " in machine.install["pxelinux.cfg/01-52-54-00-aa-bb-01"]
    assert "cloud-config-url=/dev/null" in kernel_words(machine, "grub")


def test_arguments_of_anaconda() -> None:
    words = kernel_words(rendered("redhat", FULL), "ipxe")
    assert {"inst.ks.sendmac", "ip=dhcp", "BOOTIF=01-52-54-00-aa-bb-01"} < set(words)
    assert f"inst.ks={URL}/hosts/server1.example.org/ks.cfg" in words
    assert f"inst.repo={NEEDED['redhat']['os.mirror']}" in words
    assert "inst.proxy=http://192.0.2.9:3142/" in words


def test_fai_gets_the_classes_and_evaluates_nothing() -> None:
    words = kernel_words(rendered("fai", FULL), "pxelinux")
    assert "ADDCLASSES=BIGMEM,WEB_SERVER" in words
    assert f"CLUSTO_EVENTS={EVENTS}" in words
    # FAI 6.0 evaluates each of them in a shell (/usr/lib/fai/subroutines, eval_cmdline).
    script = 'for word in $(cat); do eval "export $word" || exit; done; env'
    done = subprocess.run(["bash", "-c", script], input=" ".join(words), capture_output=True, text=True, check=True)
    known = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    wanted = dict(word.partition("=")[::2] for word in words if "=" in word)
    assert len(wanted) > 8
    assert {key: known.get(key) for key in wanted} == wanted


def test_fai_without_a_url_for_call_backs() -> None:
    machine = Renderer().machine(facts(NEEDED["fai"]), recipe.load("fai"), token=TOKEN)
    assert not any("CLUSTO" in text for text in machine.install.values())
    assert machine.events is None


def test_an_image_is_below_the_url_or_elsewhere() -> None:
    words = kernel_words(rendered("image", {"os.sha256": "ab12"}), "grub")
    assert f"clusto.image={URL}/images/web.img.gz" in words
    assert f"clusto.event={EVENTS}" in words
    assert {"clusto.disk=/dev/vda", "clusto.sha256=ab12"} < set(words)
    words = kernel_words(rendered("image", {"os.image": "http://192.0.2.7/x.img"}), "grub")
    assert "clusto.image=http://192.0.2.7/x.img" in words
    assert not any(word.startswith("clusto.sha256") for word in words)


@pytest.mark.parametrize("more", [{}, FULL, {"os.mirror": "https://192.0.2.5/debian"}], ids=["least", "full", "https"])
def test_debconf_takes_the_preseed_file(more: Mapping[str, str], tmp_path: Path) -> None:
    checker = program("debconf-set-selections", "debconf")
    answers = tmp_path / "preseed.cfg"
    answers.write_text(rendered("debian", more).answers["preseed.cfg"])
    run(checker, "--checkonly", answers)


def preseeded(text: str) -> dict[str, str]:
    """The answers by their questions."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            _, question, kind, *value = line.split(" ", 3)
            assert kind in ("string", "select", "multiselect", "boolean", "password", "note"), line
            assert question not in found
            found[question] = value[0] if value else ""
    return found


def test_what_the_preseed_file_says() -> None:
    said = preseeded(rendered("debian", FULL).answers["preseed.cfg"])
    assert said["passwd/root-password-crypted"] == PASSWORD
    assert said["partman-auto/disk"] == said["grub-installer/bootdev"] == "/dev/sda"
    assert said["pkgsel/include"] == "openssh-server vim htop tmux"
    assert said["mirror/suite"] == "bookworm"
    assert (said["mirror/http/hostname"], said["mirror/http/directory"]) == ("192.0.2.5", "/debian")
    assert "partman/early_command" not in said
    said = preseeded(rendered("debian", {"os.mirror": "https://192.0.2.5:8443/debian"}).answers["preseed.cfg"])
    assert said["mirror/protocol"] == "https"
    assert said["mirror/https/hostname"] == "192.0.2.5:8443"
    assert "list-devices disk" in said["partman/early_command"]


def test_debians_commands_do_what_they_are_to_do(tmp_path: Path) -> None:
    """Run by a real shell, with a wget that notes what it is asked for and fails at first."""
    said = preseeded(rendered("debian").answers["preseed.cfg"])
    tools, target = tmp_path / "bin", tmp_path / "target"
    tools.mkdir()
    (tools / "wget").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && {{ echo GNU Wget; exit; }}\necho "$@" >>{tmp_path}/asked\n'
        f"[ $(wc -l <{tmp_path}/asked) -ge 2 ]\n"
    )
    (tools / "sleep").write_text("#!/bin/sh\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    for command, event in (("preseed/early_command", "started"), ("preseed/late_command", "finished")):
        (tmp_path / "asked").unlink(missing_ok=True)
        script = said[command].replace("/target", str(target)).replace("/dev/console", str(tmp_path / "console"))
        target.mkdir(exist_ok=True)
        done = subprocess.run(
            ["sh", "-c", script], env={"PATH": f"{tools}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        asked = (tmp_path / "asked").read_text().splitlines()
        assert asked == [f"-T 10 -t 1 -q -O /dev/null {EVENTS}/{event}"] * 2
        assert (tmp_path / "console").read_text() == f"clusto: {event}\n"
    assert (target / "root/.ssh/authorized_keys").read_text() == f"{KEYS}\n"
    assert (target / "root/.ssh").stat().st_mode & 0o777 == 0o700


def test_a_console_sign_is_what_the_installers_commands_print() -> None:
    for name in ("debian", "ubuntu", "redhat"):
        machine, signs = rendered(name), Renderer().signs(facts(), recipe.load(name))
        text = "\n".join(machine.answers.values())
        for sign in ("started", "finished"):
            assert f"clusto: {sign}" in text
            assert signs[sign].search(f"\r\nclusto: {sign}\r\n".encode())
            # The kernel prints its command line on the console, too.
            assert not signs[sign].search(" ".join(kernel_words(machine, "grub")).encode())


@pytest.mark.parametrize("console", ["", "ttyS0,115200n8"])
@pytest.mark.parametrize("name", RECIPES)
def test_the_sign_of_a_running_system_is_its_own_login(name: str, console: str) -> None:
    up = Renderer().signs(facts({"os.console": console}), recipe.load(name))["up"]
    assert up.search(b"Debian GNU/Linux 12 server1 ttyS0\r\n\r\nserver1 login: ")
    assert up.search(b"\x1b[2Jserver1.example.org login: ")
    for other in ("server10", "myserver1", "web-server1", "serverX1", "server1-old", "xserver1.example.org"):
        assert not up.search(f"\r\n{other} login: ".encode()), other


def kickstart(text: str, version: str) -> KickstartHandler:
    handler = makeVersion(version)
    KickstartParser(handler, errorsAreFatal=True).readKickstartFromString(text)
    return handler


@pytest.mark.parametrize("version", ["RHEL8", "RHEL9", "RHEL10"])
@pytest.mark.parametrize("more", [{}, FULL], ids=["least", "full"])
def test_pykickstart_takes_the_kickstart_file(version: str, more: Mapping[str, str]) -> None:
    text = rendered("redhat", more).answers["ks.cfg"]
    handler = kickstart(text, version)
    assert handler.rootpw.password == PASSWORD
    assert handler.rootpw.isCrypted
    assert handler.url.url == NEEDED["redhat"]["os.mirror"]
    assert handler.network.hostname == "server1.example.org"
    assert handler.reboot.action
    assert len(handler.scripts) == 4
    assert sum(f"{EVENTS}/finished" in script.script and not script.inChroot for script in handler.scripts) == 1
    assert sum(f"{EVENTS}/started" in script.script for script in handler.scripts) == 1
    assert sum(f"{EVENTS}/failed?message=Anaconda%20stopped" in script.script for script in handler.scripts) == 1
    for script in handler.scripts:
        run("sh", "-n", "-c", script.script)
    if more:
        assert handler.ignoredisk.onlyuse == ["sda"]
        assert handler.clearpart.drives == ["sda"]
        assert handler.bootloader.appendLine == "console=tty0 console=ttyS1,57600e7 net.ifnames=0 nomodeset"
        assert sorted(handler.packages.packageList) == ["htop", "tmux", "vim"]


def test_a_root_account_without_a_password_is_locked() -> None:
    attributes = {key: value for key, value in COMMON.items() if key != "os.root_password"}
    renderer = Renderer()

    def answers(name: str) -> Mapping[str, str]:
        return renderer.machine(facts({**attributes, **NEEDED[name]}), recipe.load(name), token=TOKEN).answers

    assert kickstart(answers("redhat")["ks.cfg"], "RHEL9").rootpw.lock
    assert preseeded(answers("debian")["preseed.cfg"])["passwd/root-password-crypted"] == "!"
    assert yaml.safe_load(answers("ubuntu")["user-data"])["autoinstall"]["identity"]["password"] == "!"


@pytest.mark.parametrize("more", [{}, FULL, {"os.mirror": "http://192.0.2.5/ubuntu"}], ids=["least", "full", "mirror"])
def test_cloud_init_takes_ubuntus_answers(more: Mapping[str, str], tmp_path: Path) -> None:
    checker = program("cloud-init", "cloud-init")
    for name in ("user-data", "vendor-data"):
        (tmp_path / name).write_text(rendered("ubuntu", more).answers[name])
        run(checker, "schema", "--config-file", tmp_path / name)


def test_what_the_autoinstall_file_says() -> None:
    answers = rendered("ubuntu", FULL | {"os.mirror": "http://192.0.2.5/ubuntu"}).answers
    said: dict[str, Any] = yaml.safe_load(answers["user-data"])["autoinstall"]
    commands = {key: said.pop(f"{key}-commands") for key in ("early", "late", "error")}
    assert said == {
        "version": 1,
        "refresh-installer": {"update": False},
        "locale": "en_US.UTF-8",
        "keyboard": {"layout": "us"},
        "timezone": "Etc/UTC",
        "proxy": "http://192.0.2.9:3142/",
        "apt": {"geoip": False, "primary": [{"arches": ["default"], "uri": "http://192.0.2.5/ubuntu"}]},
        "identity": {"hostname": "server1", "username": "ubuntu", "password": PASSWORD},
        "ssh": {"install-server": True, "allow-pw": False, "authorized-keys": KEYS.splitlines()},
        "storage": {"layout": {"name": "lvm", "match": {"path": "/dev/sda"}}},
        "packages": ["vim", "htop", "tmux"],
        "shutdown": "reboot",
    }
    for key, event in (("early", "started"), ("late", "finished"), ("error", "failed?message=")):
        assert len(commands[key]) == 1
        assert f"{EVENTS}/{event}" in commands[key][0]
        run("sh", "-n", "-c", commands[key][0])
    assert yaml.safe_load(answers["meta-data"]) == {"instance-id": "server1.example.org"}


def test_each_card_has_a_file_of_each_loader_that_says_whose_it_is() -> None:
    macs = ("52:54:00:aa:bb:01", "52:54:00:aa:bb:02")
    known = Facts("server1", macs, None, {**COMMON, **NEEDED["debian"]})
    machine = Renderer().machine(known, recipe.load("debian"), token=TOKEN)
    assert sorted(machine.install) == sorted(machine.local)
    assert sorted(machine.install) == sorted(
        path
        for number in ("01", "02")
        for path in (
            f"pxelinux.cfg/01-52-54-00-aa-bb-{number}",
            f"ipxe/mac-525400aabb{number}.ipxe",
            f"grub/grub.cfg-52:54:00:aa:bb:{number}",
            f"grub/grub.cfg-01-52-54-00-aa-bb-{number}",
        )
    )
    for path, text in machine.install.items():
        assert state_of(text.encode()) is BootState.INSTALL, path
        assert "# clusto: server1 installs\n" in "\n".join(text.splitlines()[:2]) + "\n"
        card = "02" if path.removesuffix(".ipxe").endswith("02") else "01"
        assert f"BOOTIF=01-52-54-00-aa-bb-{card}" in text
    for path, text in machine.local.items():
        assert state_of(text.encode()) is BootState.LOCAL, path
        assert text == Renderer().local(known).local[path]


def test_only_the_loaders_that_are_used() -> None:
    machine = rendered("debian", {"rebuild.loaders": "ipxe, grub"})
    assert {path.partition("/")[0] for path in machine.install} == {"ipxe", "grub"}
    assert {file.path for file in Renderer().shared({"rebuild.loaders": "ipxe"})} == {"boot.ipxe"}
    with pytest.raises(ValueError, match="there is no 'lilo'"):
        rendered("debian", {"rebuild.loaders": "ipxe lilo"})


@pytest.mark.parametrize(
    ("console", "pxelinux", "grub"),
    [
        ("ttyS0", "SERIAL 0 9600", "serial --unit=0 --speed=9600 --word=8 --parity=no --stop=1"),
        ("ttyS1,57600e7", "SERIAL 1 57600", "serial --unit=1 --speed=57600 --word=7 --parity=even --stop=1"),
        ("ttyS2,115200n8r", "SERIAL 2 115200", "serial --unit=2 --speed=115200 --word=8 --parity=no --stop=1"),
    ],
)
def test_boot_loaders_use_the_serial_console(console: str, pxelinux: str, grub: str) -> None:
    machine = rendered("debian", {"os.console": console})
    for files in (machine.install, machine.local):
        lines = files["pxelinux.cfg/01-52-54-00-aa-bb-01"].splitlines()
        # "The first directive of the file" (Syslinux wiki, SERIAL).
        assert next(line for line in lines if not line.startswith("#")) == pxelinux
        assert grub in files[f"grub/grub.cfg-{MAC}"].splitlines()
    assert f"console={console}" in kernel_words(machine, "grub")


def test_a_console_that_is_no_serial_port_is_the_kernels_alone() -> None:
    machine = rendered("debian", {"os.console": "hvc0"})
    assert "console=hvc0" in kernel_words(machine, "pxelinux")
    assert not any("serial" in text.lower() for text in machine.install.values())
    with pytest.raises(ValueError, match="write it as ttyS0,115200n8"):
        rendered("debian", {"os.console": "ttyS0,fast"})


def test_files_elsewhere() -> None:
    machine = rendered(
        "redhat", {"os.kernel": "http://192.0.2.5:81/vmlinuz", "os.initrd": "a.img http://192.0.2.5/b.img"}
    )
    pxelinux = machine.install["pxelinux.cfg/01-52-54-00-aa-bb-01"]
    assert "KERNEL http://192.0.2.5:81/vmlinuz\n" in pxelinux
    assert "INITRD a.img,http://192.0.2.5/b.img\n" in pxelinux
    ipxe = machine.install["ipxe/mac-525400aabb01.ipxe"].splitlines()
    assert ipxe[2].startswith("kernel http://192.0.2.5:81/vmlinuz initrd=initrd1 initrd=initrd2 ")
    assert ipxe[3:5] == ["initrd --name initrd1 ../a.img", "initrd --name initrd2 http://192.0.2.5/b.img"]
    grub = machine.install[f"grub/grub.cfg-{MAC}"]
    assert "linux '(http,192.0.2.5:81)/vmlinuz' " in grub
    assert "initrd '/a.img' '(http,192.0.2.5)/b.img'\n" in grub
    secure = {"os.kernel": "https://192.0.2.5/vmlinuz"}
    assert "kernel https:" in "".join(rendered("redhat", secure | {"rebuild.loaders": "ipxe"}).install.values())
    with pytest.raises(
        RenderError, match=r"pxelinux/install line \d+: pxelinux cannot fetch https://192.0.2.5/vmlinuz"
    ):
        rendered("redhat", secure)


@pytest.mark.parametrize("name", RECIPES)
def test_what_a_recipe_needs_is_told(name: str) -> None:
    for key in NEEDED[name]:
        attributes = {other: value for other, value in {**COMMON, **NEEDED[name]}.items() if other != key}
        with pytest.raises(ValueError, match=f"{name} needs {key}, which is not set"):
            Renderer().machine(facts(attributes), recipe.load(name), token=TOKEN)


def mine(more: str = "", *, kernel: str = "x/linux") -> Recipe:
    return recipe.parse("mine", f"title = 'x'\nkernel = '''{kernel}'''\n{more}", "mine.toml")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("a\n{{ os.nosuch }}", "t line 2: os.nosuch is not set"),
        ("{{ nosuch }}", "t line 1: nosuch is not set"),
        ("{% if os.nosuch %}x{% endif %}", "t line 1: os.nosuch is not set"),
        ("{{ events }}", "t line 1: rebuild.url is not set"),
        ("a\nb\n{% if %}", "t line 3: "),
        ("{{ name | nosuch }}", "t line 1: No filter named 'nosuch'"),
        ("{% include 'nosuch' %}", "t line 1: there is no template 'nosuch'"),
        ("{% extends 'nosuch' %}", "t line 1: there is no template 'nosuch'"),
        ("{{ name.__class__ }}", "t line 1: "),
        ("{{ ''.__class__.__mro__ }}", "t line 1: "),
        ("{{ attr.__init__.__globals__ }}", "t line 1: "),
        ("{{ macs }}", "is not a text"),
        ("{{ none }}", "'None' is not a text"),
        ("{{ true }}", "'True' is not a text"),
        ("{{ range(999999999) | list }}", "t line 1: "),
        ("{% macro m() %}\n{{ os.nosuch }}{% endmacro %}\n{{ m() }}", "t line 2: os.nosuch is not set"),
    ],
)
def test_a_templates_mistake_is_one_line_with_its_place(template: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_text(template)
    with pytest.raises(RenderError) as raised:
        Renderer([tmp_path]).machine(facts(), mine("[answers]\nx = 't'"), token=TOKEN)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path}/t line ")


def test_a_mistake_in_a_recipe_names_the_recipe() -> None:
    with pytest.raises(RenderError, match=r"mine.toml, kernel line 1: os.nosuch is not set"):
        Renderer().machine(facts(), mine(kernel="{{ os.nosuch }}"), token=TOKEN)
    with pytest.raises(RenderError, match=r"mine.toml, arguments line 1: "):
        Renderer().machine(facts(), mine("arguments = ['{% if %}']"), token=TOKEN)
    with pytest.raises(ValueError, match=r"mine.toml, signs.up: unterminated"):
        Renderer().signs(facts(), mine("[signs]\nup = '['"))


def test_a_sites_template_goes_before_clustos_and_may_extend_it(tmp_path: Path) -> None:
    folder = tmp_path / "debian"
    folder.mkdir()
    (folder / "preseed.cfg").write_text(
        '{% extends "shipped/debian/preseed.cfg" %}\n'
        "{% block disk %}\n{{ super() }}d-i partman-auto/choose_recipe select multi\n{% endblock %}\n"
        "{% block late %}\nin-target systemctl disable cron;\nin-target true;\n{% endblock %}\n"
    )
    text = rendered("debian", FULL, Renderer([tmp_path])).answers["preseed.cfg"]
    assert "d-i partman-auto/disk string /dev/sda\n" in text
    assert "d-i partman-auto/choose_recipe select multi\n" in text
    late = next(line for line in text.splitlines() if "late_command" in line)
    assert "authorized_keys; in-target systemctl disable cron; in-target true; o=;" in late
    assert f"{EVENTS}/finished" in late


def test_values_that_nothing_asks_for_are_not_read() -> None:
    class Secrets(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            assert not key.startswith("bmc.")
            return super().__getitem__(key)

    attributes = Secrets({**COMMON, **NEEDED["debian"], "bmc.password": "env:NOT_SET"})
    assert Renderer().machine(facts(attributes), recipe.load("debian"), token=TOKEN).answers


def test_what_reading_a_value_says_is_told_with_the_place() -> None:
    class Secrets(dict[str, str]):
        def __getitem__(self, key: str) -> str:
            if key == "os.root_password":
                raise RuntimeError("the environment has no ROOTPW")
            return super().__getitem__(key)

    attributes = Secrets({**COMMON, **NEEDED["debian"]})
    with pytest.raises(RenderError, match=r"debian/preseed.cfg line \d+: the environment has no ROOTPW"):
        Renderer().machine(facts(attributes), recipe.load("debian"), token=TOKEN)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://192.0.2.1", True),
        ("https://boot.example.org:8443/clusto/", True),
        ("http://[2001:db8::1]:80", True),
        ("ftp://192.0.2.1", False),
        ("http://user:pw@192.0.2.1", False),
        ("http://192.0.2.1/a b", False),
        ("http://192.0.2.1/?x", False),
        ("http://192.0.2.1/../x", False),
        ("http://$(reboot)/", False),
        ("", False),
    ],
)
def test_the_url_that_machines_use(url: str, good: bool) -> None:
    if good:
        assert rendered("image", {"rebuild.url": url}).events == f"{url.rstrip('/')}/rebuild/{TOKEN}"
    else:
        with pytest.raises(ValueError, match=r"rebuild\.url"):
            rendered("image", {"rebuild.url": url})


def test_jinja_is_not_imported_until_something_is_rendered() -> None:
    code = (
        "import sys; from clusto_cli.backends.provision import render, recipe, directory, open_provisioner;"
        "recipe.load('debian'); render.Renderer(); open_provisioner({'rebuild.dir': '/srv/tftp'});"
        "sys.exit('jinja2' in sys.modules or 'paramiko' in sys.modules)"
    )
    import sys

    run(sys.executable, "-c", code)

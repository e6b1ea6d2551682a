"""Values that mean harm: what stands in a file stays one value, or is refused; nothing else comes of it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clusto_cli.backends.base import BootState
from clusto_cli.backends.provision import quoting, recipe
from clusto_cli.backends.provision.environment import RenderError
from clusto_cli.backends.provision.loaders import Loader, boot_paths, check_path, marked, state_of
from clusto_cli.backends.provision.quoting import Text, Unquotable
from clusto_cli.backends.provision.render import Facts, Renderer
from tests.provision.machines import COMMON, MAC, NEEDED, TOKEN, facts, rendered

ANY = st.text(st.characters(codec="utf-8"), max_size=30)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LINES = ANY.filter(lambda text: not CONTROL.search(text))
NASTY = ["a\nb", "a\rb", "a\x00b", "a\x1b[2Jb", "a\x85b", "a\u2028b", "a\x9bb", "a\tb"]


@pytest.mark.parametrize("value", NASTY)
def test_nothing_inserts_a_line_end_or_a_control_character(value: str) -> None:
    for check in (quoting.line, quoting.shell, quoting.preseed, quoting.argument, quoting.grub, quoting.ipxe):
        with pytest.raises(Unquotable, match=r"control character|has blanks"):
            check(value)
    for check in (quoting.word, quoting.pxelinux, quoting.regex):
        with pytest.raises(Unquotable):
            check(value)
    assert not CONTROL.search(quoting.json(value))
    assert json.loads(quoting.json(value)) == value


@given(LINES)
@example("$(reboot)`reboot`;reboot\\")
@example("'\"'\"'")
@settings(max_examples=60, deadline=None)
def test_a_word_of_a_shell_is_one_word(text: str) -> None:
    quoted = quoting.shell(text)
    assert shlex.split(quoted) == [text]
    done = subprocess.run(["sh", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert done.stdout.decode() == text
    assert not done.stderr


@given(st.recursive(ANY | st.booleans() | st.integers(), st.lists, max_leaves=5))
@example("\u2028\u2029\x85\x7f\ufeff")
@example("%TAG : - ? {} [] *x &y !z |>")
@settings(deadline=None)
def test_json_is_json_and_yaml_on_one_line(value: object) -> None:
    text = quoting.json(value)
    assert len(text.splitlines()) == 1
    assert json.loads(text) == value
    if not re.search("[\ud800-\udfff\ufffe\uffff]", text):
        assert yaml.safe_load(f"key: {text}") == {"key": value}


@given(LINES)
@settings(deadline=None)
def test_a_word_of_grub_is_one_word(text: str) -> None:
    # GRUB's single quotes are the shell's.
    assert shlex.split(quoting.grub(text)) == [text]


@given(ANY)
@example("${net0/mac}")
@example("&&")
@example("a||b")
@settings(deadline=None)
def test_a_word_of_ipxe_is_one_word_or_refused(text: str) -> None:
    try:
        written = quoting.ipxe(text)
    except Unquotable:
        return
    # iPXE, src/core/exec.c: blanks divide, three words are operators, # begins a comment, ${ a setting.
    assert written == text
    assert f"echo {written} end".split() == ["echo", text, "end"]
    assert text not in ("||", "&&", ";")
    assert "${" not in text
    assert not text.startswith("#")


@given(ANY)
@example("--")
@example("---")
@example('a="b c"')
@example("a\u00a0b")
@settings(deadline=None)
def test_an_argument_of_the_kernel_is_one_argument_or_refused(text: str) -> None:
    try:
        written = quoting.argument(text)
    except Unquotable:
        return
    assert f"x {written} y".split() == (["x", text, "y"] if text else ["x", "y"])
    assert not set(written) & set("\"'\\")
    assert written not in ("--", "---")


@given(ANY)
@settings(deadline=None)
def test_words_are_arguments(text: str) -> None:
    try:
        written = quoting.words(text)
    except Unquotable:
        return
    assert written.split() == text.split()
    assert all(quoting.argument(word) == word for word in written.split())


@given(ANY)
@example("%end")
@example("#x")
@example("$(x)")
@settings(deadline=None)
def test_a_plain_word_is_nothing_special_anywhere(text: str) -> None:
    try:
        written = quoting.word(text)
    except Unquotable:
        return
    assert shlex.split(written, comments=True) == [written]
    assert not set(written) & set("%#$`'\"\\;&|<>(){}[]?! \t")


@given(LINES)
@settings(deadline=None)
def test_a_pattern_of_a_text_finds_that_text_alone(text: str) -> None:
    assert re.fullmatch(quoting.regex(text), text)
    assert not re.fullmatch(quoting.regex(text), f"{text}x")


@given(ANY)
@settings(deadline=None)
def test_a_fai_class_is_one(text: str) -> None:
    assert re.fullmatch("[A-Z0-9_]*", quoting.fai_class(text))


def test_lines_are_lines_only_where_a_template_says_so() -> None:
    assert quoting.lines("a\nb") == Text("a\nb")
    assert quoting.line(quoting.lines("a\nb")) == "a\nb"
    with pytest.raises(Unquotable):
        quoting.lines("a\n\x1bb")
    with pytest.raises(Unquotable):
        quoting.line(str(quoting.lines("a\nb")) + "c")


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize(("name", "quotes"), [("debian", 0), ("ubuntu", 8), ("redhat", 0)])
def test_no_attribute_adds_a_line_to_any_file(name: str, quotes: int, value: str) -> None:
    """Each attribute in turn holds it: all are refused, but for `quotes` of them, which JSON can say on one line."""
    lists = {"os.packages", "os.ssh_key", "os.args", "os.kernel_args", "os.initrd"}
    keys = {*COMMON, *NEEDED[name], *recipe.load(name).defaults} - lists
    refusals = []
    for key in sorted(keys):
        try:
            machine = rendered(name, {key: value})
        except ValueError as error:
            refusals.append(str(error))
            continue
        for text in (*machine.install.values(), *machine.answers.values()):
            assert value not in text
    assert len(keys) - len(refusals) == quotes
    assert not any(CONTROL.search(text) for text in refusals)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("debian", "os.locale", "en_US d-i preseed/run"),
        ("debian", "os.root_password", "x\\"),
        ("debian", "os.root_password", " x"),
        ("debian", "os.root_password", "secret"),
        ("ubuntu", "os.root_password", "hunter2hunter"),
        ("debian", "os.mirror", "http://x/ y"),
        ("debian", "os.mirror", "file:///etc"),
        ("debian", "os.packages", "vim;reboot"),
        ("debian", "os.args", "a ---"),
        ("debian", "os.args", 'a="b c"'),
        ("debian", "os.release", "bookworm\nd-i"),
        ("redhat", "os.packages", "vim\n%end\n%post\nreboot"),
        ("redhat", "os.packages", "vim #"),
        ("redhat", "os.disk", "sda --drives=sdb"),
        ("redhat", "os.timezone", "UTC\n%pre"),
        ("redhat", "os.mirror", "http://x/ inst.sshd"),
        ("ubuntu", "os.iso", "http://x/u.iso init=/bin/sh"),
        ("ubuntu", "os.release", "../../etc"),
        ("fai", "fai.config", "nfs://x/$(reboot)"),
        ("fai", "fai.flags", "verbose;reboot"),
        ("fai", "os.args", "a=`reboot`"),
        ("fai", "os.console", "ttyS0,9600;reboot"),
        ("image", "os.image", "x.img clusto.disk=/dev/sdb"),
        ("image", "os.kernel", "../../../etc/shadow"),
        ("image", "os.kernel", "/etc/shadow"),
        ("image", "os.kernel", "http://x/${net0/ip}"),
        ("image", "os.kernel", "file:///etc/shadow"),
        ("image", "os.initrd", "a.img ../b.img"),
        ("image", "os.initrd", "http://x/a,b"),
        ("image", "os.args", "x=${net0/ip}"),
        ("image", "os.args", "a || reboot"),
        ("image", "os.args", "a # b"),
        ("image", "rebuild.local_boot", "chain"),
        ("image", "os.args", "x" * 2000),
    ],
)
def test_what_would_be_more_than_a_value_is_refused(name: str, key: str, value: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011
        rendered(name, {key: value})
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_password_or_a_key_may_hold_anything_that_a_line_may() -> None:
    nasty = "$6$a$b'\"\\`$(reboot)%#;&|<>{}"
    from pykickstart.parser import KickstartParser
    from pykickstart.version import makeVersion

    handler = makeVersion("RHEL9")
    text = rendered("redhat", {"os.root_password": nasty, "os.ssh_key": f"k {nasty}"}).answers["ks.cfg"]
    KickstartParser(handler).readKickstartFromString(text)
    assert handler.rootpw.password == nasty
    said = yaml.safe_load(rendered("ubuntu", {"os.root_password": nasty}).answers["user-data"])
    assert said["autoinstall"]["identity"]["password"] == nasty
    line = f"d-i passwd/root-password-crypted password {nasty}\n"
    assert line in rendered("debian", {"os.root_password": nasty}).answers["preseed.cfg"]


@given(st.text(st.characters(codec="utf-8"), max_size=12))
@example("../x")
@example("/etc/passwd")
@example("a/../b")
@example("a//b")
@example(".a")
@example("a/.b")
@example("a\0")
@example("a\n")
@settings(deadline=None)
def test_a_path_stays_where_it_is_relative_to(path: str) -> None:
    try:
        check_path(path)
    except ValueError:
        return
    assert path == path.strip("/")
    assert "\0" not in path
    assert "\n" not in path
    assert not any(part.startswith(".") or not part for part in path.split("/"))


@pytest.mark.parametrize(
    "mac",
    [
        *("52:54:00:AA:BB:01", "52-54-00-aa-bb-01", "525400aabb01", "52:54:00:aa:bb", "52:54:00:aa:bb:01:02"),
        *("52:54:00:aa:bb:0g", "../../../../x", "52:54:00:aa:bb:01\n", "52:54:00:aa:bb:01/..", "", "\0"),
        "٥2:54:00:aa:bb:01",
    ],
)
def test_what_is_no_mac_is_no_file_name(mac: str) -> None:
    for loader in Loader:
        with pytest.raises(ValueError, match="malformed MAC"):
            boot_paths(loader, mac)
    with pytest.raises(ValueError, match="malformed MAC"):
        Renderer().local(facts(macs=(MAC, mac)))


@pytest.mark.parametrize("name", ["..", "../x", "/x", "a/b", ".x", "a\nb", "", "a b", "a\0"])
def test_a_name_that_would_leave_the_directory(name: str) -> None:
    with pytest.raises(ValueError, match="malformed"):
        Renderer().local(Facts(name, (MAC,)))


@pytest.mark.parametrize("token", ["", "a/b", "a b", "../x", "a\n"])
def test_a_token_that_is_more_than_one(token: str) -> None:
    with pytest.raises(ValueError, match="malformed token"):
        Renderer().machine(facts({**COMMON, **NEEDED["debian"]}), recipe.load("debian"), token=token)


@given(st.binary(max_size=80))
@example(b"# clusto: x installs\n")
@example(b"#!ipxe\n# clusto: x boots its own disk\n")
@example(b"# clusto: x installs")
@example(b" # clusto: x installs\n")
def test_a_file_is_clustos_only_by_its_first_comment(content: bytes) -> None:
    state = state_of(content)
    first = content.removeprefix(b"#!ipxe\n").split(b"\n")[0]
    assert (state is not BootState.FOREIGN) == bool(re.match(rb"# clusto: \S+ (installs|boots its own disk)\b", first))


@pytest.mark.parametrize("loader", list(Loader))
@pytest.mark.parametrize("state", [BootState.INSTALL, BootState.LOCAL])
def test_a_marked_file_is_known_again(loader: Loader, state: BootState) -> None:
    assert state_of(marked(loader, "zoë-1.example", state, "x\n").encode()) is state


def test_a_template_cannot_run_anything(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("templates")
    for source in (
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ attr['x'].__class__ }}",
        "{{ '%s' | format(name.__class__) }}",
        "{{ '{0.__class__}'.format(name) }}",
    ):
        (folder / "t").write_text(source)
        found = recipe.parse("mine", "title='x'\nkernel='x'\n[answers]\nx='t'", "mine.toml")
        with pytest.raises(RenderError):
            Renderer([folder]).machine(facts(), found, token=TOKEN)


@pytest.mark.parametrize("name", ["debian", "ubuntu", "redhat"])
def test_a_password_that_is_no_hash_is_refused_and_not_told(name: str) -> None:
    with pytest.raises(ValueError, match="crypt") as raised:
        rendered(name, {"os.root_password": "hunter2-is-secret"})
    assert "hunter2" not in str(raised.value)

"""What holds a secret is masked, whatever the key is called and wherever it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.config import masked as masked_url
from clusto_core.model.attributes import Key, from_python, string
from clusto_core.secrecy import MASK, is_reference, is_secret, masked, redacted, remember
from tests.security.plain import Plain, plain

SECRET = "hunter2#4@x"


@pytest.mark.parametrize(
    "key",
    [
        *(
            "snmp.community",
            "snmp.write_community",
            "snmp.auth_key",
            "bmc.password",
            "ssh.enable_secret",
            "x#2.password",
        ),
        *(
            "token",
            "api.token",
            "api.token_2",
            "vault.tokens",
            "apiKey",
            "authToken",
            "passwd",
            "db.passwd",
            "wifi.psk",
        ),
        *("dsn", "db.dsn", "key.passphrase", "password.root", "credentials", "login.pwd", "sim.pin", "smtp.pass"),
    ],
)
def test_keys_that_hold_secrets(key: str) -> None:
    assert is_secret(key)
    assert Key.parse(key).secret
    assert string(SECRET).shown(Key.parse(key)) == MASK


@pytest.mark.parametrize(
    "key",
    ["status", "monkey", "key.owner", "community.name", "keyboard", "passage", "pinned", "os.packages", "bmc.host"],
)
def test_keys_that_hold_none(key: str) -> None:
    assert not is_secret(key)


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://ops:{SECRET}@db1/clusto",
        "https://ops:hunter2@mirror/debian",
        "https://mirror/debian?token=hunter2",
        "https://mirror/debian?x=1&api_key=hunter2#there",
        "host=db1 user=ops password=hunter2 dbname=x",
        "curl -H 'X-Auth-Token: hunter2' http://x",
        '{"password": "hunter2"}',
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n",
    ],
)
def test_values_that_look_like_secrets_under_any_key(text: str) -> None:
    shown = string(text).shown(Key.parse("note"))
    assert "hunter2" not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "text", ["https://mirror/debian", "the key is at the desk", "10.0.0.1:8080", "secretary", "a@b"]
)
def test_values_that_are_shown_as_they_are(text: str) -> None:
    assert string(text).shown(Key.parse("note")) == text


def test_members_of_json() -> None:
    value = from_python({"user": "ops", "password": SECRET, "all": [{"token": SECRET}, f"x://u:{SECRET}@h"], "n": 1})
    shown = json.loads(value.shown(Key.parse("login")))
    assert shown == {"user": "ops", "password": MASK, "all": [{"token": MASK}, f"x://u:{MASK}@h"], "n": 1}
    plain_value = from_python({"b": [1, 2.5, None], "a": "x"})
    assert plain_value.shown(Key.parse("login")) == plain_value.text


WORDS = st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="/&"), min_size=6, max_size=30)


@given(WORDS)
def test_a_password_in_the_url_of_a_store_is_masked_whatever_it_holds(password: str) -> None:
    for url in (
        f"postgresql://ops:{password}@db1:5432/clusto",
        f"postgresql://ops:a/b#{password}@db1/clusto",
        f"postgresql://db1/clusto?user=ops&password={password}&x=1",
        f"mariadb://ops@db1/clusto?ssl_ca=/x&passwd={password}",
    ):
        assert password not in masked_url(url).replace("postgresql", "").replace("clusto", "")


@given(WORDS)
def test_what_was_read_from_elsewhere_is_in_no_message(secret: str) -> None:
    remember(secret)
    assert secret not in redacted(f"bmc1 says: no such user, or wrong password {secret} for admin")


@given(st.text())
def test_masking_never_fails_and_is_done_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)
    is_secret(text)
    is_reference(text)


@pytest.fixture
def operator(tmp_path: Path) -> Plain:
    return plain(tmp_path / "home")


def test_nothing_tells_what_is_masked(operator: Plain) -> None:
    operator.does("""
        attr set api.token hunter2 -t server1
        attr set note 'password=hunter2' -t server1
        attr set mirror 'https://ops:hunter2@mirror/?token=hunter2' -t server1
        attr set login --json '{"user": "ops", "password": "hunter2"}' -t server1
        attr set bmc.password hunter2 -t server1
        add Server server2 --attr db.passwd=hunter2
    """)
    for line in (
        *("show server1", "attr get -t server1", "attr get -t server1 -o json", "attr get login -t server1 -o json"),
        *(
            "log",
            "log -p",
            "log -o json",
            "show server1 -o json",
            "find name:server1 --columns attr:login,attr:note,attr:api.token",
        ),
    ):
        told = operator(line)
        assert told.code == 0, told
        assert "hunter2" not in told.out + told.err, line
    assert '"password":"hunter2"' in operator("attr get login -t server1 --reveal").out.replace(" ", "")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ops:hunter2#x@127.0.0.1:1/clusto",
        "postgresql://ops@127.0.0.1:1/clusto?password=hunter2",
        "postgresql://ops:hunter2/x@127.0.0.1:1/clusto",
        "mariadb://ops:hunter2#x@127.0.0.1:1/clusto",
        "mariadb://ops@127.0.0.1:1/clusto?password=hunter2",
        "mysql://ops:#hunter2@127.0.0.1:1/clusto",
    ],
)
def test_a_store_that_is_not_there_is_told_without_its_password(operator: Plain, url: str) -> None:
    pytest.importorskip("psycopg2", reason="psycopg2 is not installed")
    pytest.importorskip("pymysql", reason="PyMySQL is not installed")
    for line in ("locate server1", "add Server x", f"db copy {url!r}"):
        failed = operator(line, **({} if "copy" in line else {"CLUSTO_DB": url}))
        assert failed.code in (1, 2, 3, 4), failed
        assert "hunter2" not in failed.out + failed.err, line


def test_the_history_keeps_no_password_of_a_url(operator: Plain) -> None:
    operator.does("attr set site.url 'https://ops:hunt#er2@x/?secret=hunter2&y' -t server1 -m 'password=hunter2'")
    assert "hunter2" not in operator("log -o json").out

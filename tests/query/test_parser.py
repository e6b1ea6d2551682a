"""The parser: what it reads, and where and how it says that it cannot."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clusto_core.errors import Malformed
from clusto_core.model.attributes import Key
from clusto_core.query.parser import MalformedExpression, parse
from clusto_core.query.patterns import Glob, Literal, Range, Regex, sqlite_glob
from clusto_core.query.tree import (
    Address,
    And,
    Attr,
    Cabled,
    Compare,
    Connected,
    Count,
    Exactly,
    Free,
    HasKey,
    In,
    Name,
    Not,
    OnlyAttrs,
    Or,
    PartName,
    Saved,
)

A, B, C = (Name(Literal(name)) for name in "abc")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("name:a", A),
        ("name:a or name:b and not name:c", Or(A, And(B, Not(C)))),
        ("(name:a or name:b) and name:c", And(Or(A, B), C)),
        ("not name:a and name:b", And(Not(A), B)),
        ("not not name:a", A),
        ("not(name:a)", Not(A)),
        ("name:a AND name:b", And(A, B)),
        ("name:a connected to name:b", And(A, Connected(B))),
        ("not name:a connected to name:b via power", Not(And(A, Connected(B, "power")))),
        ("connected to (name:a or name:b)", Connected(Or(A, B))),
        ("name:a in name:b or name:c", Or(And(A, In(B)), C)),
        ("name:a in(name:b in name:c)", And(A, In(And(B, In(C))))),
        ("count(connected to name:a via network) >= 2", Count(Connected(A, "network"), ">=", 2)),
        ("count( in name:a )!=0", Count(In(A), "!=", 0)),
        ("free and name:a", And(Free(), A)),
        ("not free in name:a", Not(And(Free(), In(A)))),
        ("(free)", Free()),
        ("free( network ) and cabled (power)", And(Free("network"), Cabled("power"))),
        ("haskey(snmp.community)", HasKey(Key("snmp", None, "community"))),
        ("haskey( serial ) inherited", HasKey(Key("serial"), True)),
        ("attr:foo,12", Attr(Key("foo"), Literal("12"))),
        ("attr:port#2.mac,52:54:*", Attr(Key("port", 2, "mac"), parse("name:52:54:*").pattern)),  # type: ignore[attr-defined]
        ("attr:foo,12 inherited and name:a", And(Attr(Key("foo"), Literal("12"), True), A)),
        ("attr:ram>=64", Compare(Key("ram"), ">=", Literal("64"))),
        ("attr:ram >= 64", Compare(Key("ram"), ">=", Literal("64"))),
        ("attr:purchased<2024-01-01", Compare(Key("purchased"), "<", Literal("2024-01-01"))),
        ("attr:x=a*b", Compare(Key("x"), "=", Literal("a*b"))),
        ("attr:tag={x, 'y z'}", Exactly(Key("tag"), (Literal("x"), Literal("y z")))),
        ("attrs={}", OnlyAttrs(())),
        ("attrs={a=1,b.c=x}", OnlyAttrs(((Key("a"), Literal("1")), (Key("b", None, "c"), Literal("x"))))),
        ("part:eth0", PartName(Literal("eth0"))),
        ("_ip:10.2.0.0/16", Address("10.2.0.0/16", "ip4:0a020000", "ip4:0a02ffff")),
        ("attr:_ip,10.2.0.1-10.2.0.9", Address("10.2.0.1-10.2.0.9", "ip4:0a020001", "ip4:0a020009")),
        ("@spares and not @broken", And(Saved("spares"), Not(Saved("broken")))),
        ('name:"a b"', Name(Literal("a b"))),
        (r"name:a\*b", Name(Literal("a*b"))),
        ("name:web[1-3]", Name(Range("web[1-3]", ("web1", "web2", "web3")))),
        ("name:rack[1-2]node[01,07]", Name(Range("", ("rack1node01", "rack1node07", "rack2node01", "rack2node07")))),
        ("name:/^web (a|b)$/i", Name(Regex("^web (a|b)$", True))),
        (r"name:/a\/b/", Name(Regex("a/b"))),
    ],
)
def test_an_expression_is_read(text: str, tree: object) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 1, "expected a test, found nothing"),
        ("  ", 3, "expected a test, found nothing"),
        ("server1", 1, "did you mean name:server1?"),
        ("nmae:x", 1, "did you mean name:?"),
        ("status=spare", 1, "did you mean attr:status=spare?"),
        ("purchased<2026-06-01", 1, "did you mean attr:purchased<2026-06-01?"),
        ("disk#0.serial=WD-1", 1, "did you mean attr:disk#0.serial=WD-1?"),
        ("mac=00:11:22:33:44:55", 1, "did you mean attr:mac=00:11:22:33:44:55?"),
        ("driver=Server", 1, "did you mean driver:Server?"),
        ("Server", 1, "did you mean driver:Server?"),
        ("name:a name:b", 8, "expected and, or or the end, found 'name:b'"),
        ("name:a and", 11, "expected a test, such as name:server1, found the end"),
        ("(name:a", 1, "expected ) for this parenthesis"),
        ("name:a)", 7, "expected and, or or the end"),
        ("name: a", 6, "expected a name, found ' '"),
        ("name:a connected name:b", 18, "expected to behind connected"),
        ("name:a connected to name:b via pwer", 32, "did you mean power?"),
        ("name:a in name:b in name:c", 18, "put the first relation in parentheses"),
        ("driver:Servr", 8, "no such driver: Servr (did you mean Server?)"),
        ("driver:x*y", 8, "no driver matches x*y"),
        ("attr:foo", 9, "haskey(foo) asks for any value"),
        ("attr:a b,c", 7, "behind the key"),
        ("attr:fo$o,1", 6, "malformed key"),
        ("attr:tag={}", 11, "expected a value"),
        ("attr:tag={x", 10, "expected } for this brace"),
        ("attrs={_in=x}", 8, "reserved"),
        ("attr:_in,x inherited", 12, "reserved"),
        ("count(name:a) < 2", 7, "expected connected to, in or fed by"),
        ("count(in name:a) < two", 20, "expected a whole number"),
        ("count(in name:a)", 17, "and a number"),
        ("free(", 6, "expected network, power, console or position"),
        ("free(netwrok)", 6, "did you mean network?"),
        ("cabled(power", 13, "expected ) behind cabled(KIND"),
        ("cable", 1, "did you mean cabled?"),
        ("freed in name:a", 1, "did you mean free?"),
        ("haskey(a", 9, "expected ) behind haskey(KEY"),
        ("name:/(/", 6, "malformed regex"),
        ("name:/a(?=b)/", 6, "malformed regex"),
        ("name:/a", 6, "expected / at the end"),
        ("attr:path,/srv/data", 16, "quote a value that begins with /"),
        ('name:"a', 6, 'expected " for this quote'),
        ("name:a[bc", 7, "expected ] for this bracket"),
        ("name:a[3-1]", 6, "malformed range"),
        ("name:a[z-a]*", 6, "runs backwards"),
        ("name:[1-99999]", 6, "malformed range"),
        ("name:[1-999][1-999]", 6, "too many names"),
        ("_ip:10.2.3.4/16", 5, "an address in the block 10.2.0.0/16"),
        ("_ip:banana", 5, "no address"),
        ("attr:_ip>=10.0.0.1", 9, "_ip:ADDRESS"),
        ("attr:day,2024-02-31", 10, "no such date"),
        ("@", 2, "the name of a saved expression"),
        ("(" * 100 + "name:a" + ")" * 100, 41, "nested more than 40 deep"),
        ("name:a or " * 3000 + "name:a", 20001, "at most 20,000 characters"),
    ],
)
def test_an_error_names_the_column_and_what_was_expected(text: str, column: int, problem: str) -> None:
    with pytest.raises(MalformedExpression) as error:
        parse(text)
    assert problem in str(error.value)
    assert error.value.column == column
    shown, caret = error.value.details
    assert shown[caret.index("^") :][:5] == text[column - 1 :][:5] or column > len(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("web*", ["web", "web1"], ["we", "xweb"]),
        ("?b", ["ab", "äb"], ["b", "aab"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "x", "1x"]),
        ("[!a-c]x", ["dx"], ["ax", "x"]),
        ("[^a-c]x", ["dx"], ["ax"]),
        ("[]a]*", ["]", "a"], ["b"]),
        ("[a^]*", ["^", "a"], ["b"]),
        ("[a-]*", ["-", "a"], ["b"]),
        ("[x*]?", ["*a", "xa"], ["a"]),
        ("web[01-03]*", ["web01", "web03-x"], ["web1", "web04"]),
        (r"\*[*]?", [], ["*x"]),
        ("*a*a*a*b", ["xaaab"], ["a" * 300]),
    ],
)
def test_a_glob_matches_alike_here_and_in_sqlite(pattern: str, yes: list[str], no: list[str]) -> None:
    import sqlite3

    node = parse(f"name:{pattern}")
    assert isinstance(node, Name)
    assert isinstance(node.pattern, Glob)
    connection = sqlite3.connect(":memory:")
    globs = [sqlite_glob(each) for each in node.pattern.alternatives]
    for text in yes + no:
        assert node.pattern.matches(text) == (text in yes), text
        found = any(connection.execute("SELECT ? GLOB ?", (text, glob)).fetchone()[0] for glob in globs)
        assert found == (text in yes), text
        assert not node.pattern.matches(text) or text.startswith(node.pattern.prefix)


def test_digits_in_brackets_are_a_range_and_letters_a_class() -> None:
    for text, kind in (("web[001-040]", Range), ("web[1,3,5-9]", Range), ("web[a-z]", Glob), ("web[0-9]*", Glob)):
        node = parse(f"name:{text}")
        assert isinstance(node, Name)
        assert isinstance(node.pattern, kind)


@pytest.mark.parametrize(
    ("regex", "prefix"),
    [
        ("^web", "web"),
        ("web", ""),
        ("^web*", "we"),
        ("^a|b", ""),
        ("^s0[0-9]+$", "s0"),
        ("^(?i)web", ""),
        ("^a{2}", ""),
    ],
)
def test_what_a_regex_begins_with(regex: str, prefix: str) -> None:
    assert Regex(regex).prefix == prefix


def test_a_regex_takes_linear_time() -> None:
    regex = Regex("(a*)*(a|a)*b$")
    # Backtracking would not come to an end.
    assert not regex.matches("a" * 20000)


_WORDS = """name: driver: attr: part: _ip: haskey( count( attrs={ connected to in via power and or not inherited ( ) [
] { } * ? / \\ " ' , = < >= != @ x 12 2024-01-01 10.0.0.0/8 [1-3] [a-z] Server foo #2 .sub : ! ^ - é"""
WORDS = [*_WORDS.split(), "\x00", "\n"]


@settings(max_examples=400, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=60),
        st.lists(st.sampled_from(WORDS), max_size=25).map("".join),
        st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
        st.lists(st.sampled_from(WORDS), max_size=12).map(lambda words: "name:a and " + " ".join(words)),
    )
)
@example("name:/" + "(" * 900 + "a" + ")" * 900 + "/")
@example("name:/" + "(a{1000}" * 40 + ")" * 40 + "/")
@example("name:" + "[a-z]*" * 3000)
@example("name:" + "[1-9]" * 3000)
@example("name:[" + "1," * 9000 + "1]")
@example("name:[1-100][1-100]" + "x" * 15000)
@example("name:[1-9000] or name:[1-9000]")
@example("name:" + "*" * 19000)
@example("not " * 4999)
@example("@a and " * 2500)
@example("attr:x=" + "9" * 5000)
@example("attr:x>" + "9" * 5000)
@example("attr:x,1e999999999")
def test_no_input_does_harm(text: str) -> None:
    try:
        node = parse(text)
    except Malformed as error:
        message = str(error)
    else:
        message = ""
        assert parse(str(node)) == node
    assert "\n" not in message

"""Reads an expression: text to syntax tree, by recursive descent, with errors that name the column.

expr     := conj { 'or' conj }
conj     := unary { 'and' unary }
unary    := 'not' unary | set [ relation ] | relation
relation := 'connected' 'to' set [ 'via' KIND ] | 'in' set | 'fed' 'by' set
set      := test | '(' expr ')' | '@' NAME
test     := 'name:' pattern | 'driver:' pattern | 'part:' pattern | '_ip:' addresses
          | 'attr:' KEY ( ',' pattern | OP value | '={' value { ',' value } '}' ) [ 'inherited' ]
          | 'attrs={' [ KEY '=' value { ',' KEY '=' value } ] '}'
          | 'haskey(' KEY ')' [ 'inherited' ]
          | 'count(' relation ')' OP INTEGER
          | ( 'free' | 'cabled' ) [ '(' KIND ')' ]
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from clusto_core.drivers import Driver, registry
from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model import addresses
from clusto_core.model.attributes import IP, Key, infer
from clusto_core.model.wiring import KINDS
from clusto_core.query import tree
from clusto_core.query.patterns import LONGEST_RANGE, ONE, STAR, Any_, Literal, Pattern, Range, Regex, assemble
from clusto_core.query.tree import Node, Relation
from clusto_core.spelling import suggest

LONGEST = 20_000
"""The longest expression, in characters."""
DEEPEST = 40
"""How deep parentheses may be nested."""

TERMS = ("name:", "driver:", "attr:", "attrs={", "part:", "_ip:", "haskey(", "count(", "free", "cabled")

_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r"[^\s()]*")
_HEAD = re.compile(r"(?:name|driver|part|attr|_ip):|(?:haskey|count)\s*\(|attrs\s*=\s*\{|(?:free|cabled)(?![^\s()])")
_KEY = re.compile(r"[^\s,<>=!()\"'{}\\]*")
_COMPARED = re.compile(r"([^\s:,<>=!()\"'{}\\]+)(<=|>=|!=|<|>|=)(\S+)")
_PLAIN = re.compile(r"[\w.*-]+")
_SIGN = re.compile(r"\s*(<=|>=|!=|<|>|=)\s*")
_INTEGER = re.compile(r"[0-9]{1,9}(?![^\s)])")
_SAVED = re.compile(r"[\w.+-]*")

_WIRED = {test.word: test for test in (tree.Free, tree.Cabled)}

T = TypeVar("T")


class MalformedExpression(Malformed):
    """Text that is no expression; `column` (from 1) is where, and `details` the text with a caret below it."""

    def __init__(self, text: str, column: int, problem: str) -> None:
        self.column = column
        self.problem = problem
        self.details = _pointer(text, column)
        super().__init__(f"malformed expression, column {column}: {problem}")


def _pointer(text: str, column: int) -> tuple[str, str]:
    """The text around a column, and a line with a caret under it."""
    start = max(0, column - 50)
    shown = re.sub(r"[^ -~]", lambda match: match[0] if match[0].isprintable() else " ", text[start : start + 90])
    before = "..." if start else ""
    after = "..." if start + 90 < len(text) else ""
    return f"  {before}{shown}{after}", f"  {' ' * (len(before) + column - 1 - start)}^"


def parse(text: str) -> Node:
    """The syntax tree of an expression. Raises MalformedExpression; Malformed for an unknown driver."""
    return _Parser(text).parse()


def _meant(word: str) -> str | None:
    """The test that a word begins which is none by itself."""
    if compared := _COMPARED.fullmatch(word):
        key, sign, value = compared.groups()
        term = f"{key}:"
        return f"{term}{value[:40]}" if sign == "=" and term in TERMS else f"attr:{word[:40]}"
    head, colon, _ = word.partition(":")
    guess = suggest(head + colon, TERMS) if colon else suggest(word.lower(), _WIRED)
    if guess is None and _PLAIN.fullmatch(word) and word not in ("and", "or", "via"):
        kind = "driver" if any(word == driver.__name__ for driver in registry) else "name"
        guess = f"{kind}:{word[:40]}"
    return guess


class _Parser:
    """Reads one text from left to right; `at` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.names_left = LONGEST_RANGE

    def parse(self) -> Node:
        if len(self.text) > LONGEST:
            raise self.error(f"an expression has at most {LONGEST:,} characters", LONGEST)
        self.skip_blanks()
        if self.at == len(self.text):
            raise self.error("expected a test, found nothing")
        found = self.disjunction()
        if self.at < len(self.text):
            raise self.expected("and, or or the end")
        return found

    # --- operators ---------------------------------------------------------------------------------------------------

    def disjunction(self) -> Node:
        items = [self.conjunction()]
        while self.keyword("or"):
            items.append(self.conjunction())
        return items[0] if len(items) == 1 else tree.Or(*items)

    def conjunction(self) -> Node:
        items = [self.unary()]
        while self.keyword("and"):
            items.append(self.unary())
        return items[0] if len(items) == 1 else tree.And(*items)

    def unary(self) -> Node:
        negated = False
        while self.keyword("not"):
            negated = not negated
        found = self.related()
        return tree.Not(found) if negated else found

    def related(self) -> Node:
        """A set and what it is related to; without a set, the relation of the candidate itself."""
        relation = self.relation()
        if relation is None:
            left = self.set()
            relation = self.relation()
            if relation is None:
                return left
            found: Node = tree.And(left, relation)
        else:
            found = relation
        start = self.at
        if self.keyword("connected") or self.keyword("in") or self.keyword("fed"):
            self.at = start
            raise self.expected("and, or, ) or the end (put the first relation in parentheses)")
        return found

    def relation(self) -> Relation | None:
        if self.keyword("connected"):
            if not self.keyword("to"):
                raise self.expected("to behind connected")
            target = self.set()
            return tree.Connected(target, self.kind() if self.keyword("via") else None)
        if self.keyword("in"):
            return tree.In(self.set())
        if self.keyword("fed"):
            if not self.keyword("by"):
                raise self.expected("by behind fed")
            return tree.Fed(self.set())
        return None

    def kind(self) -> str:
        start = self.at
        word = self.word()
        if word not in KINDS:
            raise self.error(
                f"expected {', '.join(KINDS[:-1])} or {KINDS[-1]}, found {_shown(word)}"
                f"{did_you_mean(suggest(word, KINDS))}",
                start,
            )
        self.skip_blanks()
        return word

    # --- sets and tests ----------------------------------------------------------------------------------------------

    def set(self) -> Node:
        if self.text.startswith("(", self.at):
            opened = self.at
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.error(f"parentheses are nested more than {DEEPEST} deep")
            self.at += 1
            self.skip_blanks()
            found = self.disjunction()
            if not self.text.startswith(")", self.at):
                if self.at == len(self.text):
                    raise self.error("expected ) for this parenthesis, found the end", opened)
                raise self.expected("and, or or )")
            self.depth -= 1
            self.at += 1
            self.skip_blanks()
            return found
        if self.text.startswith("@", self.at):
            return self.saved()
        found = self.test()
        self.skip_blanks()
        return found

    def saved(self) -> Node:
        self.at += 1
        name = self.take(_SAVED)
        if not name:
            raise self.expected("the name of a saved expression behind @")
        self.skip_blanks()
        return tree.Saved(name)

    def test(self) -> Node:
        start = self.at
        match = _HEAD.match(self.text, start)
        if match is None:
            raise self.no_test()
        self.at = match.end()
        head = match[0].rstrip("({= \t\r\n")
        if head == "name:":
            return tree.Name(self.pattern("a name"))
        if head == "driver:":
            pattern = self.pattern("a driver")
            return tree.DriverIs(pattern, self.checked(lambda: drivers_for(pattern), match.end()))
        if head == "part:":
            return tree.PartName(self.pattern("a part's name"))
        if head == "_ip:":
            return self.address()
        if head == "attr:":
            return self.attribute()
        if head == "attrs":
            return self.only_attributes()
        if head == "haskey":
            return self.has_key()
        if head in _WIRED:
            return self.wired(_WIRED[head])
        return self.count()

    def wired(self, test: type[tree.Wired]) -> Node:
        self.skip_blanks()
        if not self.text.startswith("(", self.at):
            return test()
        self.at += 1
        self.skip_blanks()
        kind = self.kind()
        self.closing(f"{test.word}(KIND")
        return test(kind)

    def no_test(self) -> MalformedExpression:
        word = self.word_ahead()
        if not word:
            return self.expected("a test, such as name:server1")
        return self.expected(f"a test ({' '.join(TERMS)})", _meant(word))

    def attribute(self) -> Node:
        key = self.key()
        if self.text.startswith(",", self.at):
            if key == (IP, None, None):
                self.at += 1
                return self.address()
            self.at += 1
            pattern = self.pattern("a value")
            return tree.Attr(key, pattern, self.inherited(key))
        match = _SIGN.match(self.text, self.at)
        if match is None:
            raise self.expected(
                f", or one of {' '.join(tree.OPERATORS)} behind the key (haskey({key}) asks for any value)"
            )
        if key.key == IP:
            raise self.error(f"addresses are asked for by _ip:ADDRESS, not by {match[1]}")
        self.at = match.end()
        if match[1] == "=" and self.text.startswith("{", self.at):
            values = self.braces(lambda: self.literal(",}"))
            if not values:
                raise self.error(f"expected a value: not haskey({key}) asks for none", self.at - 1)
            return tree.Exactly(key, tuple(values), self.inherited(key))
        value = self.literal()
        return tree.Compare(key, match[1], value, self.inherited(key))

    def only_attributes(self) -> Node:
        self.at -= 1

        def pair() -> tuple[Key, Literal]:
            start = self.at
            key = self.key()
            if key.reserved:
                raise self.error(f"{key} is reserved, and not counted here", start)
            if key.is_pattern:
                raise self.error(f"{key} is several keys: name each one here", start)
            match = _SIGN.match(self.text, self.at)
            if match is None or match[1] != "=":
                raise self.expected("= and a value behind the key")
            self.at = match.end()
            return key, self.literal(",}")

        return tree.OnlyAttrs(tuple(self.braces(pair)))

    def braces(self, item: Callable[[], T]) -> list[T]:
        opened = self.at
        self.at += 1
        found: list[T] = []
        self.skip_blanks()
        while not self.text.startswith("}", self.at):
            if self.at == len(self.text):
                raise self.error("expected } for this brace, found the end", opened)
            if found:
                if not self.text.startswith(",", self.at):
                    raise self.expected(", or }")
                self.at += 1
                self.skip_blanks()
            found.append(item())
            self.skip_blanks()
        self.at += 1
        return found

    def has_key(self) -> Node:
        self.skip_blanks()
        key = self.key()
        self.skip_blanks()
        self.closing("haskey(KEY")
        return tree.HasKey(key, self.inherited(key))

    def count(self) -> Node:
        self.skip_blanks()
        relation = self.relation()
        if relation is None:
            raise self.expected("connected to, in or fed by")
        self.closing("count(RELATION")
        match = _SIGN.match(self.text, self.at)
        if match is None:
            raise self.expected(f"one of {' '.join(tree.OPERATORS)} and a number")
        self.at = match.end()
        number = self.take(_INTEGER)
        if not number:
            raise self.expected("a whole number")
        return tree.Count(relation, match[1], int(number))

    def closing(self, opened: str) -> None:
        if not self.text.startswith(")", self.at):
            raise self.expected(f") behind {opened}")
        self.at += 1

    def inherited(self, key: Key) -> bool:
        start = self.at
        self.skip_blanks()
        at = self.at
        if self.at > start and self.keyword("inherited"):
            if key.reserved:
                raise self.error(f"{key} is reserved, and not inherited", at)
            return True
        self.at = start
        return False

    def key(self) -> Key:
        start = self.at
        text = self.take(_KEY)
        if not text:
            raise self.expected("a key")
        return self.checked(lambda: Key.pattern(text), start)

    def address(self) -> Node:
        start = self.at
        pattern = self.pattern("an address")
        if not isinstance(pattern, Literal):
            return tree.Attr(Key(IP), pattern)
        text, at, space = pattern.text.partition("@")
        low, high = self.checked(lambda: span(text), start)
        return tree.Address(pattern.text, low, high, space if at else None)

    # --- values ------------------------------------------------------------------------------------------------------

    def pattern(self, what: str) -> Pattern:
        """A literal, a range, a glob or a regex."""
        start = self.at
        if self.text.startswith("/", start):
            return self.regex()
        pieces, is_quoted = self.pieces("", wild=True)
        if not pieces and not is_quoted:
            raise self.expected(what)
        source = self.text[start : self.at]
        found = self.checked(lambda: assemble(source, pieces, is_quoted, self.names_left), start)
        self.names_left -= len(found.texts if isinstance(found, Range) else getattr(found, "alternatives", ()))
        if isinstance(found, Literal):
            self.check_text(found, start)
        return found

    def literal(self, stop: str = "") -> Literal:
        """Text that stands for itself."""
        start = self.at
        pieces, is_quoted = self.pieces(stop, wild=False)
        if not pieces and not is_quoted:
            raise self.expected("a value")
        found = Literal("".join(piece for piece in pieces if isinstance(piece, str)), is_quoted)
        self.check_text(found, start)
        return found

    def check_text(self, literal: Literal, start: int) -> None:
        """Refuses control characters and days that no calendar has."""
        self.checked(lambda: infer(literal.text), start)

    def pieces(self, stop: str, *, wild: bool) -> tuple[list[str | Any_ | list[str]], bool]:
        """What a value is made of, up to a blank, a parenthesis or one of `stop`; whether any of it was quoted."""
        found: list[str | Any_ | list[str]] = []
        is_quoted = False
        while self.at < len(self.text):
            character = self.text[self.at]
            if character.isspace() or character in "()" or character in stop:
                break
            if character in "\"'":
                found.append(self.quoted(character))
                is_quoted = True
                continue
            self.at += 1
            if character == "\\":
                if self.at == len(self.text):
                    raise self.error("expected a character behind \\, found the end")
                found.append(self.text[self.at])
                self.at += 1
            elif wild and character == "*":
                found.append(STAR)
            elif wild and character == "?":
                found.append(ONE)
            elif wild and character == "[":
                found.append([self.bracket()])
            else:
                found.append(character)
        return found, is_quoted

    def quoted(self, quote: str) -> str:
        opened = self.at
        self.at += 1
        found = []
        while not self.text.startswith(quote, self.at):
            if self.at == len(self.text):
                raise self.error(f"expected {quote} for this quote, found the end", opened)
            if self.text[self.at] == "\\" and self.at + 1 < len(self.text):
                self.at += 1
            found.append(self.text[self.at])
            self.at += 1
        self.at += 1
        return "".join(found)

    def bracket(self) -> str:
        """What stands between brackets, the first of which is read; a ] right behind it is one of the class."""
        opened = self.at - 1
        start = self.at
        if self.text[start : start + 1] in ("!", "^"):
            start += 1
        end = self.text.find("]", start + 1)
        if end < 0:
            raise self.error(
                "expected ] for this bracket, found the end (quote a bracket that is meant as text)", opened
            )
        found = self.text[self.at : end]
        self.at = end + 1
        return found

    def regex(self) -> Regex:
        opened = self.at
        self.at += 1
        found = []
        while not self.text.startswith("/", self.at):
            if self.at == len(self.text):
                raise self.error("expected / at the end of the regex (quote a value that begins with /)", opened)
            if self.text.startswith("\\/", self.at):
                self.at += 1
            elif self.text[self.at] == "\\":
                found.append("\\")
                self.at += 1
                if self.at == len(self.text):
                    continue
            found.append(self.text[self.at])
            self.at += 1
        self.at += 1
        ignore_case = self.text.startswith("i", self.at)
        self.at += ignore_case
        if self.at < len(self.text) and not self.text[self.at].isspace() and self.text[self.at] not in "()":
            raise self.expected("a blank behind the regex (quote a value that begins with /)")
        source = "".join(found)
        return self.checked(lambda: Regex(source, ignore_case), opened)

    # --- reading -----------------------------------------------------------------------------------------------------

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def skip_blanks(self) -> None:
        self.take(_BLANKS)

    def word(self) -> str:
        return self.take(_WORD)

    def word_ahead(self) -> str:
        match = _WORD.match(self.text, self.at)
        return match[0] if match else ""

    def keyword(self, word: str) -> bool:
        """Reads the word, and the blanks behind it, if it is next."""
        if self.word_ahead().lower() != word:
            return False
        self.at += len(word)
        self.skip_blanks()
        return True

    def checked(self, make: Callable[[], T], start: int) -> T:
        """What `make` gives; what it refuses is told with its column."""
        try:
            return make()
        except MalformedExpression:
            raise
        except Malformed as error:
            raise self.error(str(error), start) from None

    def expected(self, what: str, guess: str | None = None) -> MalformedExpression:
        word = self.word_ahead() or self.text[self.at : self.at + 1]
        return self.error(f"expected {what}, found {_shown(word)}{did_you_mean(guess)}")

    def error(self, problem: str, at: int | None = None) -> MalformedExpression:
        return MalformedExpression(self.text, (self.at if at is None else at) + 1, problem)


def _shown(word: str) -> str:
    if not word:
        return "the end"
    return repr(word if len(word) <= 40 else word[:37] + "...")


def drivers_for(pattern: Pattern) -> tuple[type[Driver], ...]:
    """The drivers that a pattern means, without regard to case. Raises Malformed when there is none."""
    if isinstance(pattern, Literal):
        return (registry.get(pattern.text),)
    if isinstance(pattern, Range):
        return tuple(registry.get(text) for text in pattern.texts)
    found = [
        driver
        for driver in registry
        if any(
            pattern.matches(name) or pattern.matches(name.lower())
            for name in (driver.__name__, *driver.__dict__.get("aliases", ()))
        )
    ]
    if not found:
        raise Malformed(f"no driver matches {pattern}")
    return tuple(found)


def span(text: str) -> tuple[str, str]:
    """The claims of the first and last of the addresses that `text` means: one address, a block, or `FIRST-LAST`.

    Raises Malformed.
    """
    if "/" in text:
        from ipaddress import ip_network

        try:
            network = ip_network(text, strict=False)
        except ValueError:
            raise Malformed(f"no block of addresses: {text[:60]} (write 10.2.0.0/16 or 2001:db8::/32)") from None
        if str(network.network_address) != str(addresses.parse(text.partition("/")[0])):
            raise Malformed(f"{text} is an address in the block {network}: write the one or the other")
        return addresses.claim(network.network_address), addresses.claim(network.broadcast_address)
    first_text, dash, last_text = text.partition("-")
    first = addresses.parse(first_text)
    last = addresses.parse(last_text) if dash else first
    if first is None or last is None:
        raise Malformed(f"no address: {text[:60]} (write 10.2.0.1, 10.2.0.0/16, 10.2.0.1-10.2.0.9 or a pattern)")
    if first.version != last.version or int(first) > int(last):
        raise Malformed(f"no span of addresses: {text[:60]} (the lower one comes first)")
    return addresses.claim(first), addresses.claim(last)

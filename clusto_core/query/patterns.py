"""Patterns of an expression: a literal, a range of numbers in a name, a glob, or a regex between slashes.

Each says whether a text matches, and with which characters every match begins, so that an index can be used.
Regexes are RE2's (https://github.com/google/re2/wiki/Syntax): they take linear time, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from typing import Any

from clusto_core.errors import Malformed

LONGEST_RANGE = 10_000
"""The most names that a range in an expression may stand for; with a wildcard beside it, MOST_GLOBS."""
MOST_GLOBS = 200
LONGEST_REGEX = 1000
MOST_TEXT = 500_000
"""The most characters that a range may be written out to."""

TOP = "\U0010ffff"
"""Sorts behind all characters that names and values hold."""


class Any_:
    """One place of a glob: any text (`*`) or any one character (`?`)."""

    __slots__ = ("many",)

    def __init__(self, many: bool) -> None:
        self.many = many


STAR = Any_(True)
ONE = Any_(False)


class CharacterClass:
    """One place of a glob: one character of those in the spans, or, negated, one that is in none of them."""

    __slots__ = ("negated", "spans")

    def __init__(self, negated: bool, spans: tuple[tuple[str, str], ...]) -> None:
        self.negated = negated
        self.spans = spans

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CharacterClass) and (self.negated, self.spans) == (other.negated, other.spans)

    def __hash__(self) -> int:
        return hash((self.negated, self.spans))


Place = str | Any_ | CharacterClass
"""A place of a glob; a str stands for itself."""


class Literal:
    """Exactly this text; `quoted` says that it stood in quotes, so that it is text where a number could be meant."""

    __slots__ = ("quoted", "text")

    def __init__(self, text: str, quoted: bool = False) -> None:
        self.text = text
        self.quoted = quoted

    @property
    def prefix(self) -> str:
        """What every match begins with."""
        return self.text

    def matches(self, text: str) -> bool:
        """Whether the text is this one."""
        return text == self.text

    def __str__(self) -> str:
        return quoted(self.text) if self.quoted or not _PLAIN(self.text) else self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Literal) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class Range:
    """One of the texts that a range such as `web[001-040]` stands for."""

    __slots__ = ("_known", "source", "texts")

    def __init__(self, source: str, texts: tuple[str, ...]) -> None:
        self.source = source
        self.texts = texts
        self._known = frozenset(texts)

    @property
    def prefix(self) -> str:
        """What every match begins with."""
        return self.source.partition("[")[0]

    def matches(self, text: str) -> bool:
        """Whether the text is one of the range."""
        return text in self._known

    def __str__(self) -> str:
        return self.source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Range) and other.texts == self.texts

    def __hash__(self) -> int:
        return hash(self.texts)


class Glob:
    """`*` any text, `?` one character, `[a-z]` and `[!a-z]` one character of or not of those.

    A range of numbers beside a wildcard makes several alternatives.
    """

    __slots__ = ("_regex", "alternatives", "source")

    def __init__(self, source: str, alternatives: tuple[tuple[Place, ...], ...]) -> None:
        self.source = source
        self.alternatives = alternatives
        self._regex: re.Pattern[str] | None = None

    @property
    def prefix(self) -> str:
        """What every match begins with."""
        return _common([_first_text(places) for places in self.alternatives])

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        if self._regex is None:
            self._regex = re.compile("|".join(f"(?:{_regex_of(each)})" for each in self.alternatives), re.DOTALL)
        return self._regex.fullmatch(text) is not None

    def holds(self, character: str) -> bool:
        """Whether the character stands in the pattern as itself."""
        return any(isinstance(place, str) and character in place for each in self.alternatives for place in each)

    def __str__(self) -> str:
        return self.source

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.alternatives == self.alternatives

    def __hash__(self) -> int:
        return hash(self.alternatives)


class Regex:
    """A regex that is searched for in the text; `^` and `$` tie it to the ends. Raises Malformed for a wrong one."""

    __slots__ = ("_compiled", "ignore_case", "source")

    def __init__(self, source: str, ignore_case: bool = False) -> None:
        self.source = source
        self.ignore_case = ignore_case
        self._compiled: Any = _compile(source, ignore_case)

    @property
    def prefix(self) -> str:
        """What every match begins with, as far as it can be told without reading the whole pattern."""
        if self.ignore_case or not self.source.startswith("^") or "|" in self.source or "(?" in self.source:
            return ""
        found = _LITERAL_START.match(self.source, 1)
        text = found[0] if found else ""
        following = self.source[1 + len(text) : 2 + len(text)]
        return text[:-1] if following and following in "*?{" else text

    def matches(self, text: str) -> bool:
        """Whether the text holds a match."""
        return self._compiled.search(text) is not None

    def holds(self, character: str) -> bool:
        """Whether the character stands in the pattern, as itself or in a class."""
        return character in _SYNTAX_COLON.sub("", self.source)

    def __str__(self) -> str:
        return f"/{self.source.replace('/', chr(92) + '/')}/{'i' if self.ignore_case else ''}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regex) and (other.source, other.ignore_case) == (self.source, self.ignore_case)

    def __hash__(self) -> int:
        return hash((self.source, self.ignore_case))


Pattern = Literal | Range | Glob | Regex

_LITERAL_START = re.compile(r"[\w:@%/ -]*", re.ASCII)
_SYNTAX_COLON = re.compile(r"\(\?[^:)]*:|\[:\^?[a-z]+:\]")
_PLAIN = re.compile(r"[^\s()\[\]{}\"'*?\\/@,;=<>!][^\s()\[\]{}\"'*?\\,;=<>!]*").fullmatch
_NUMBERS = re.compile(r"[0-9][-0-9,/]*").fullmatch


def quoted(text: str) -> str:
    """The text in double quotes, as the language reads it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _compile(source: str, ignore_case: bool) -> Any:
    import re2

    if len(source) > LONGEST_REGEX:
        raise Malformed(f"a regex has at most {LONGEST_REGEX} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(source, options)
    except re2.error as error:
        text = error.args[0] if error.args else ""
        reason = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        raise Malformed(f"malformed regex: {reason}") from None


def assemble(
    source: str, pieces: list[str | Any_ | list[str]], is_quoted: bool = False, most: int = LONGEST_RANGE
) -> Pattern:
    """The pattern that a value's pieces make: texts, wildcards, and what brackets hold as a list of one text.

    A range may stand for `most` texts.

    Raises Malformed for brackets that hold neither numbers nor a class, and for too long ranges.
    """
    wild = any(isinstance(piece, Any_) for piece in pieces)
    parsed: list[Place | tuple[str, ...]] = []
    for piece in pieces:
        if not isinstance(piece, list):
            parsed.append(piece)
        elif _NUMBERS(piece[0]):
            parsed.append(_numbers(piece[0]))
        else:
            parsed.append(_character_class(piece[0]))
            wild = True
    if all(isinstance(piece, str) for piece in parsed):
        return Literal("".join(piece for piece in parsed if isinstance(piece, str)), is_quoted)
    limit = min(most, MOST_GLOBS) if wild else most
    merged = _joined(parsed)
    total = 1
    for part in merged:
        if isinstance(part, tuple):
            total *= len(part)
            if total > limit or total * len(source) > MOST_TEXT:
                raise Malformed("too many names: a glob (web*) or a regex (/^web[0-9]+$/) says it shorter")
    places = [
        tuple(place for place in _joined(choice) if not isinstance(place, tuple))
        for choice in product(*(part if isinstance(part, tuple) else (part,) for part in merged))
    ]
    if wild:
        return Glob(source, tuple(places))
    return Range(source, tuple(dict.fromkeys("".join(map(str, each)) for each in places)))


def _joined(places: Iterable[Place | tuple[str, ...]]) -> tuple[Place | tuple[str, ...], ...]:
    """Neighbouring texts put together, and neighbouring stars made one."""
    found: list[Place | tuple[str, ...]] = []
    texts: list[str] = []
    for place in places:
        if isinstance(place, str):
            texts.append(place)
            continue
        if texts:
            found.append("".join(texts))
            texts = []
        if not (place is STAR and found and found[-1] is STAR):
            found.append(place)
    if texts:
        found.append("".join(texts))
    return tuple(found)


def _numbers(text: str) -> tuple[str, ...]:
    from clusto_core.model.ranges import MalformedRange, expand

    try:
        return tuple(expand(f"[{text}]", LONGEST_RANGE))
    except MalformedRange as error:
        raise Malformed(f"malformed range [{text[:40]}]: {error.problem}") from None


def _character_class(text: str) -> CharacterClass:
    negated = text[:1] in ("!", "^")
    rest = text[1:] if negated else text
    spans: list[tuple[str, str]] = []
    at = 0
    while at < len(rest):
        if rest[at + 1 : at + 2] == "-" and at + 2 < len(rest):
            low, high = rest[at], rest[at + 2]
            if not (low.isalnum() and high.isalnum()):
                raise Malformed(f"malformed class [{text[:40]}]: a span runs between letters or digits, as [a-f]")
            if low > high:
                raise Malformed(f"malformed class [{text[:40]}]: {low}-{high} runs backwards")
            spans.append((low, high))
            at += 3
        else:
            spans.append((rest[at], rest[at]))
            at += 1
    if not spans:
        raise Malformed(f"malformed class [{text[:40]}]: it holds no character")
    return CharacterClass(negated, tuple(spans))


def _first_text(places: tuple[Place, ...]) -> str:
    return places[0] if places and isinstance(places[0], str) else ""


def _common(texts: list[str]) -> str:
    low, high = min(texts), max(texts)
    same = 0
    while same < len(low) and same < len(high) and low[same] == high[same]:
        same += 1
    return low[:same]


def _regex_of(places: tuple[Place, ...]) -> str:
    """The glob as a regex of Python; text behind a star is looked for once, so that it takes quadratic time at most."""
    runs: list[list[str]] = [[]]
    for place in places:
        if place is STAR:
            runs.append([])
        elif isinstance(place, str):
            runs[-1].append(re.escape(place))
        elif place is ONE:
            runs[-1].append(".")
        elif isinstance(place, CharacterClass):
            members = "".join(
                re.escape(low) if low == high else f"{re.escape(low)}-{re.escape(high)}" for low, high in place.spans
            )
            runs[-1].append(f"[{'^' if place.negated else ''}{members}]")
    texts = ["".join(run) for run in runs]
    if len(texts) == 1:
        return texts[0]
    return texts[0] + "".join(f"(?>.*?{text})" for text in texts[1:-1]) + ".*" + texts[-1]


def sqlite_glob(places: tuple[Place, ...]) -> str:
    """The glob as SQLite's GLOB has it (https://www.sqlite.org/lang_expr.html#glob)."""
    found = []
    for place in places:
        if isinstance(place, str):
            found.append(re.sub(r"([*?\[])", r"[\1]", place))
        elif isinstance(place, Any_):
            found.append("*" if place.many else "?")
        else:
            found.append(_sqlite_class(place))
    return "".join(found)


def _sqlite_class(place: CharacterClass) -> str:
    spans = [low + "-" + high for low, high in place.spans if low != high]
    single = {low for low, high in place.spans if low == high}
    # Within GLOB's brackets, ] counts as itself in the first place only, - in the last one, ^ in any but the first.
    members = ("]" if "]" in single else "") + "".join(spans) + "".join(sorted(single - set("]^-")))
    members += ("^" if "^" in single else "") + ("-" if "-" in single else "")
    if members == "^" and not place.negated:
        return "^"
    if not place.negated and members == "^-":
        members = "-^"
    return f"[{'^' if place.negated else ''}{members}]"


def like(places: tuple[Place, ...]) -> tuple[str, bool]:
    """The glob as LIKE with `!` for an escape, and whether that says all: LIKE has no character classes."""
    found = []
    exact = True
    for place in places:
        if isinstance(place, str):
            found.append(re.sub(r"([!%_])", r"!\1", place))
        elif isinstance(place, Any_):
            found.append("%" if place.many else "_")
        else:
            found.append("_")
            exact = False
    return "".join(found), exact

"""Ranges of names: `web[01-20,30]` written out, and names folded back into ranges.

The notation is ClusterShell's (https://clustershell.readthedocs.io/en/latest/tools/nodeset.html):

    web[1-20]                   numbers, both ends included
    web[001-020]                the same, written with three digits
    web[0-10/2]                 every second one
    web[1-4,7,10-12]            several in one bracket
    rack[1-2]node[01-04]        several brackets: all combinations, the last one fastest
    server[1-3]:eth0, pdu1:[1-8]    ranges in the addresses of parts
    a,b                         both
    a!b                         a without b (`a,!b` too)
    a&b                         what is in both
    a^b                         what is in one of the two only

The operators have no precedence: they apply from left to right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import permutations, product

from clusto_core.model.names import MAX_LENGTH, MalformedName
from clusto_core.spelling import natural_key, split_numbers

LIMIT = 1_000_000
"""The most names that `expand` writes out unless told otherwise."""

_DIGITS = "0123456789"
_NOTATION = frozenset("[],!&^")

# What stands in one place of a name, as a tuple of (first, last, step, digits written at least).
_Bracket = tuple[tuple[int, int, int, int], ...]
# Names are the keys of a dict: a set that keeps the order in which they were written.
_Names = dict[str, None]


class MalformedRange(ValueError):
    """Text that is no range; `column` (from 1) is where in `text`, and `problem` says what was expected there."""

    def __init__(self, text: str, column: int, problem: str) -> None:
        self.text = text
        self.column = column
        self.problem = problem
        shown = text if len(text) <= 60 else text[:57] + "..."
        super().__init__(f"malformed range {shown!r}, column {column}: {problem}")


def is_range(text: str) -> bool:
    """Whether `text` has numbers in brackets, as in `web[1-3]`: a range and not a glob's `[a-z]`.

    Says how the text is meant, not that it is right: `web[3-1]` is a range, which `expand` will refuse.
    """
    return "[" in text and re.search(r"\[[0-9][-0-9,/]*\]", text) is not None


def expand(text: str, limit: int = LIMIT) -> Iterator[str]:
    """The names that `text` stands for, each once, in the order in which they are written.

    A text without brackets and operators stands for itself. Names are not checked beyond the notation. Blanks may
    surround operators and nothing else.

    Raises MalformedRange, before the first name is given out, also when the text spells out more than `limit` names
    (exclusions count too): a slip such as `web[1-9999999999]` costs neither time nor memory.
    """
    return iter(_Parser(text, limit).names())


class _Parser:
    """Reads one text from left to right; `at` is the offset of the next character."""

    def __init__(self, text: str, limit: int) -> None:
        self.text = text
        self.at = 0
        self.left = limit
        self.limit = limit

    def names(self) -> _Names:
        result = self.operand()
        while self.at < len(self.text):
            combine = self.operator()
            result = combine(result, self.operand())
        return result

    def operator(self) -> Callable[[_Names, _Names], _Names]:
        found = self.text[self.at]
        if found not in _COMBINE:
            raise self.error(f"expected one of , ! & ^ between names, {self.found()}")
        self.at += 1
        if found == ",":
            self.take(str.isspace)
            if self.text.startswith("!", self.at):
                return self.operator()
        return _COMBINE[found]

    def operand(self) -> _Names:
        """One name, with any number of brackets, and the blanks around it."""
        self.take(str.isspace)
        start = self.at
        pieces: list[str | _Bracket] = []
        while True:
            if text := self.take(_is_text):
                pieces.append(text)
            if not self.text.startswith("[", self.at):
                break
            pieces.append(self.bracket())
        if not pieces:
            raise self.error(f"expected a name, {self.found()}")
        self.take(str.isspace)
        return self.written_out(pieces, start)

    def bracket(self) -> _Bracket:
        opened = self.at
        spans = []
        while True:
            self.at += 1  # past "[" or ","
            spans.append(self.span())
            if self.text.startswith("]", self.at):
                self.at += 1
                return tuple(spans)
            if self.at == len(self.text):
                raise self.error("expected ]", opened)
            if not self.text.startswith(",", self.at):
                raise self.error(f"expected , or ], {self.found()}")

    def span(self) -> tuple[int, int, int, int]:
        first = self.number("a number")
        width = len(first) if first[0] == "0" else 0
        if not self.text.startswith("-", self.at):
            if self.text.startswith("/", self.at):
                raise self.error("a step needs a range before it, such as 0-10/2")
            return int(first), int(first), 1, width
        self.at += 1
        at_last = self.at
        last = self.number("the range's last number")
        if len(last) != len(first) and (width > 1 or last[0] == "0"):
            raise self.error(f"expected a number of as many digits as {first}, found {last}", at_last)
        if int(last) < int(first):
            raise self.error(f"expected a number from {first} up, found {last}", at_last)
        step = "1"
        if self.text.startswith("/", self.at):
            self.at += 1
            at_step = self.at
            step = self.number("a step")
            if int(step) == 0:
                raise self.error("expected a step of 1 or more, found 0", at_step)
        return int(first), int(last), int(step), width

    def number(self, expected: str) -> str:
        start = self.at
        digits = self.take(_DIGITS.__contains__)
        if not digits:
            raise self.error(f"expected {expected}, {self.found()}")
        if len(digits) > MAX_LENGTH:
            raise self.error(f"expected a number of at most {MAX_LENGTH} digits", start)
        return digits

    def written_out(self, pieces: list[str | _Bracket], start: int) -> _Names:
        count = 1
        for piece in pieces:
            if not isinstance(piece, str):
                count *= sum((last - first) // step + 1 for first, last, step, _ in piece)
        if count > self.left:
            raise self.error(f"more than {self.limit:,} names", start)
        self.left -= count
        choices = [(piece,) if isinstance(piece, str) else _numbers(piece) for piece in pieces]
        return dict.fromkeys(map("".join, product(*choices)))

    def take(self, belongs: Callable[[str], bool]) -> str:
        """The longest run of characters from here on that belong, which may be empty."""
        start = self.at
        while self.at < len(self.text) and belongs(self.text[self.at]):
            self.at += 1
        return self.text[start : self.at]

    def found(self) -> str:
        return f"found {self.text[self.at]!r}" if self.at < len(self.text) else "found the end"

    def error(self, problem: str, at: int | None = None) -> MalformedRange:
        return MalformedRange(self.text, (self.at if at is None else at) + 1, problem)


def _is_text(character: str) -> bool:
    return character not in _NOTATION and not character.isspace()


def _numbers(bracket: _Bracket) -> Iterator[str]:
    for first, last, step, width in bracket:
        for number in range(first, last + 1, step):
            yield str(number).zfill(width)


# Each may change its first set and returns the result, so that a long list costs no more than its names.
def _union(names: _Names, others: _Names) -> _Names:
    names.update(others)
    return names


def _difference(names: _Names, others: _Names) -> _Names:
    for name in others:
        names.pop(name, None)
    return names


def _intersection(names: _Names, others: _Names) -> _Names:
    return {name: None for name in names if name in others}


def _symmetric_difference(names: _Names, others: _Names) -> _Names:
    for name in others:
        if name in names:
            del names[name]
        else:
            names[name] = None
    return names


_COMBINE = {",": _union, "!": _difference, "&": _intersection, "^": _symmetric_difference}


# Folding. Names of one shape (`rack1node04`, `rack12node3`: the same text around as many numbers) are points in a grid
# with an axis for each number. A box is a set of written numbers for each axis and stands for all their combinations.
_Set = frozenset[str]
_Box = tuple[_Set, ...]


def fold(names: Iterable[str]) -> list[str]:
    """The names as few ranges, in natural order: `web[1-3,5]` from web1, web2, web3 and web5.

    Joined with commas, the result expands to exactly the given names, whatever their order and number. Numbers
    written with leading zeros fold with others of as many digits (`[098-101]`), and never with shorter ones. Names of
    one shape that differ in one number only give one range; those that differ in several give disjoint grids, as few
    as merging equal rows and columns finds.

    Raises MalformedName for a name that holds what the notation itself is written with, or a blank.
    """
    # Cutting off the last number is quick, and leaves few different texts to take apart.
    rows: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    last_number = re.compile(r"([0-9]+)([^0-9]+)\Z").search
    for name in names:
        before = name.rstrip(_DIGITS)
        if before != name:
            rows[before, ""].add(name[len(before) :])
        elif found := last_number(name):
            rows[name[: found.start()], found[2]].add(found[1])
        else:
            rows[name, ""].add("")
    alone = _Alone()
    shapes: defaultdict[tuple[str, ...], list[_Box]] = defaultdict(list)
    for (before, after), numbers in rows.items():
        if not all(map(_is_text, before + after)):
            raise MalformedName(
                f"malformed name {before + min(numbers) + after!r}: it holds a blank or one of , [ ] ! & ^"
            )
        pieces = split_numbers(before)
        shape, box = tuple(pieces[::2]), tuple([alone[number] for number in pieces[1::2]])
        if "" in numbers:
            numbers.remove("")
            shapes[shape].append(box)
        if numbers:
            shapes[*shape, after].append((*box, frozenset(numbers)))
    ranges = [_written(shape, box) for shape, boxes in shapes.items() for box in _fewest(boxes, alone)]
    return [text for _, text in sorted(ranges)]


class _Alone(dict[str, _Set]):
    """For each number the set of it alone, made once."""

    def __missing__(self, number: str) -> _Set:
        self[number] = found = frozenset((number,))
        return found


def _fewest(rows: list[_Box], alone: _Alone) -> list[_Box]:
    """The points of `rows`, boxes along the last axis, in as few disjoint boxes as some order of merging gives."""
    if len(rows) == 1:
        return rows
    points = [(*row[:-1], alone[number]) for row in rows for number in row[-1]]
    axes = [axis for axis in reversed(range(len(rows[0]))) if len({point[axis] for point in points}) > 1]
    # The order decides how many boxes are left; among equals the last axis first reads best (`rack1node[1-4]`). Few
    # names have more than three numbers that vary; for those that do, all orders would take too long.
    orders = permutations(axes) if len(axes) <= 3 else (axes[i:] + axes[:i] for i in range(len(axes)))
    best = points
    for order in orders:
        boxes = points
        for axis in order:
            boxes = _merged(boxes, axis)
        if len(boxes) < len(best):
            best = boxes
    return best


def _merged(boxes: list[_Box], axis: int) -> list[_Box]:
    """Boxes that differ along one axis only, put together."""
    together: defaultdict[_Box, list[_Set]] = defaultdict(list)
    for box in boxes:
        together[box[:axis] + box[axis + 1 :]].append(box[axis])
    return [(*rest[:axis], frozenset().union(*sets), *rest[axis:]) for rest, sets in together.items()]


def _written(shape: tuple[str, ...], box: _Box) -> tuple[str, str]:
    """A box as a range, after the key that sorts it: that of the first name it expands to."""
    first = text = shape[0]
    for numbers, after in zip(box, shape[1:], strict=True):
        if len(numbers) == 1:
            (lowest,) = numbers
            first += lowest + after
            text += lowest + after
        else:
            # Shorter ones first, so that 9 stands before 10 and 09, and what is padded apart from what is not.
            in_order = sorted(sorted(numbers), key=len)
            first += in_order[0] + after
            text += f"[{','.join(_spans(in_order))}]{after}"
    return natural_key(first), text


def _spans(in_order: list[str]) -> Iterator[str]:
    """Numbers, the shorter before the longer and each length in order, as `1-3`, `7`."""
    first = last = in_order[0]
    value = int(last)
    for number in in_order[1:]:
        value += 1
        # From 9 to 10 the digits become more, which a padded range does not allow.
        grows = len(number) != len(last)
        if int(number) != value or (grows and (number[0] == "0" or (first[0] == "0" and first != "0"))):
            yield first if first == last else f"{first}-{last}"
            first = number
            value = int(number)
        last = number
    yield first if first == last else f"{first}-{last}"

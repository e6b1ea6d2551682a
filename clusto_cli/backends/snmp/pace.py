"""When a request is sent again, and when a device that does not answer is given up.

The time to the next copy follows the device, as TCP's does (RFC 6298, with Karn's rule that an answer to a repeated
request says nothing of the time): a device that answers in 20 ms is asked again after 200 ms, one that takes a second
after three. Power equipment is asked a few variables over a network that may lose a third of them; what is harmless to
repeat is repeated until the device has been silent for too long, not until a number of copies is used up.
"""

from __future__ import annotations

SHORTEST, SHORTEST_SIGNED = 0.2, 0.5
"""Seconds between two copies at least; below that a device that is busy for a moment gets all of them. Signing and
encrypting takes either side some milliseconds a copy.
"""
_AGAIN, _FIRST = 0.2, 0.4
"""Fractions of the longest wait: between copies, and after the first, as long as the device's own time is not known."""
_MANY = 24
"""Copies after which it is no bad luck: at a loss of 30 % each way one of 10 million requests has none answered."""
_LONGEST = 4
"""Times the patience that one request may take from a device that answers others, or loses many."""
_MOST_SLACK, _MOST_SLACK_OF_LOSS = 8.0, 3.0
"""How much longer than its own time a device is given: when it was asked too soon, and when answers may be lost."""
_TIMER_EARLY = 0.01
"""Seconds by which the event loop may fire a timer early."""


class Pace:
    """The pace of one device. `longest` is what one copy waits at most, in seconds, `shortest` what it waits at least;
    the device is given up after `longest * (retries + 1)` seconds of silence.
    """

    def __init__(self, longest: float, retries: int, shortest: float = SHORTEST) -> None:
        self._longest = longest
        self._shortest = shortest
        self._attempts = retries + 1
        self._time: float | None = None
        self._deviation = 0.0
        self._slack = 1.0

    @property
    def patience(self) -> float:
        """Seconds of silence after which the device is given up."""
        return self._longest * self._attempts

    def wait(self, copy: int) -> float:
        """How long to wait for an answer after the `copy`-th copy of a request, counted from 1."""
        if self._time is None:
            seconds = self._longest * (_FIRST if copy == 1 else _AGAIN)
        else:
            seconds = self._time + 4 * self._deviation
        return min(self._longest, max(self._shortest, seconds) * self._slack)

    def answered(self, seconds: float, copies: int) -> None:
        """An answer `seconds` after the first of `copies` copies."""
        if copies > 1:
            self._slack = max(self._slack, min(self._slack * 1.5, _MOST_SLACK_OF_LOSS))
        elif self._time is None:
            self._time, self._deviation = seconds, seconds / 2
        else:
            self._slack = max(1.0, self._slack / 2)
            self._deviation += (abs(self._time - seconds) - self._deviation) / 4
            self._time += (seconds - self._time) / 8

    def too_soon(self) -> None:
        """A copy was answered that need not have been sent."""
        self._slack = min(self._slack * 2, _MOST_SLACK)

    def is_over(self, silent: float, elapsed: float, copies: int, alive: bool) -> bool:
        """Whether to give a request up: the device said nothing for `silent` seconds, nothing of this for `elapsed`.

        `alive`: it has said something before, so that the network may be what is silent.
        """
        if self.is_silence(elapsed / _LONGEST):
            return True
        if copies >= _MANY:
            return self.is_silence(elapsed)
        return self.is_silence(silent) and not alive

    def is_silence(self, seconds: float) -> bool:
        """Whether a device that said nothing for so long has no more to say."""
        return seconds >= self.patience - min(_TIMER_EARLY, self.patience / 10)

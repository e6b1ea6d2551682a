"""`typing.NamedTuple` in half the time, for modules that quick commands load."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:
    from collections import namedtuple

    _SAID = ("__annotations__", "__module__", "__qualname__")

    class _Making(type):
        """What typing does beside this is to compile each annotation, which is text here and looked at by nobody."""

        def __new__(cls, name, bases, body):
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body["__annotations__"]
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])
            for key, value in body.items():
                if key not in fields and key not in _SAID:
                    setattr(made, key, value)
            made.__annotations__ = fields
            return made

    class NamedTuple(metaclass=_Making):
        """The base of a class whose annotations are its fields."""

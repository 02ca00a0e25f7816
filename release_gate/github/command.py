"""What is a command in a comment: ``/gate run candidate=0.3.34.481.3 profile=full``.

Pure: nothing is asked of anybody, and nothing of the text goes further than what is returned here.
A command is one line of a paragraph that begins with ``/gate``. What Markdown shows as something
else is none: quotations (also their lines without a ``>``), code, lists, headings, hidden text.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from attrs import frozen

from release_gate.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from markdown_it.token import Token

__all__ = ["KEYS", "VERBS", "Command", "Verb", "find_command"]

PREFIX: Final = "/gate"


class Verb(StrEnum):
    """What can be asked for."""

    RUN = "run"
    RERUN_FAILED = "rerun-failed"
    STATUS = "status"
    HELP = "help"


VERBS: Final = tuple(str(verb) for verb in Verb)

#: What a run can be told, and nothing else.
KEYS: Final = ("numpy", "baseline", "candidate", "profile", "platforms")

#: A line that may be one, before Markdown has been read: most comments hold none.
_CANDIDATE: Final = re.compile(rf"^[ ]{{0,3}}{PREFIX}(?=[ \t\r]|$)", re.MULTILINE)
_START: Final = re.compile(rf"{PREFIX}(?=[ \t]|$)")

#: Every value: plain ASCII that means nothing to a shell, to a URL's query or to Markdown.
_VALUE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/,-]{0,149}", re.ASCII)

#: Words of a line that are looked at; the keys need no more.
_MOST_WORDS: Final = 20


@frozen(kw_only=True)
class Command:
    """A command, or what is wrong with it: then `problems` are all there are.

    `values`: key to value, for a run only; a value is at most 150 characters of plain ASCII.
    """

    verb: Verb
    values: Mapping[str, str]
    problems: tuple[Problem, ...] = ()


def find_command(comment: str) -> Command | None:
    """Return the command in a comment; None when it holds none."""
    if _CANDIDATE.search(comment) is None:
        return None
    lines = list(_lines(comment))
    if not lines:
        return None
    if len(lines) > 1:
        what = f"there are {len(lines)} commands in one comment"
        return _wrong(Problem(what=what, hint="write each in a comment of its own"))
    line = lines[0]
    if line is None:
        what = "there is formatting in the line"
        return _wrong(Problem(what=what, hint="write it as plain text, without * ` _ [ < or \\"))
    return _parse(line)


def _wrong(*problems: Problem) -> Command:
    return Command(verb=Verb.HELP, values={}, problems=problems)


def _lines(comment: str) -> Iterator[str | None]:
    """Yield the lines that begin a command; None for one that is not plain text."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  (0.1 s; only where there may be one)

    tokens = MarkdownIt("commonmark").enable("table").parse(comment)
    for opening, inline in pairwise(tokens):
        if opening.type == "paragraph_open" and opening.level == 0:
            written = {line.strip(" \t") for line in inline.content.split("\n")}
            for parts in _split(inline.children or []):
                if parts and parts[0].type == "text" and _START.match(parts[0].content):
                    shown = parts[0].content.strip(" \t")
                    yield shown if len(parts) == 1 and shown in written else None


def _split(children: list[Token]) -> Iterator[list[Token]]:
    """Yield what each line of a paragraph is made of."""
    line: list[Token] = []
    for child in children:
        if child.type in {"softbreak", "hardbreak"}:
            yield line
            line = []
        elif child.type != "text" or child.content:
            line.append(child)
    yield line


def _parse(line: str) -> Command:
    _, *words = re.split(r"[ \t]+", line)
    if not words:
        return Command(verb=Verb.HELP, values={})
    if words[0] not in VERBS:
        hint = did_you_mean(words[0], VERBS) or f"there are {', '.join(VERBS)}"
        strange = _strange(words[0])
        what = strange or f"unknown command {_shown(words[0])}"
        return _wrong(Problem(what=what, where=PREFIX, hint=hint))
    verb = Verb(words[0])
    options = words[1:]
    if options and verb is not Verb.RUN:
        what = f"takes no options, and there is {_shown(options[0])}"
        return _wrong(Problem(what=what, where=f"{PREFIX} {verb}"))
    values: dict[str, str] = {}
    problems = list(_problems(options, values))
    return Command(verb=verb, values=values, problems=tuple(problems))


def _problems(words: list[str], values: dict[str, str]) -> Iterator[Problem]:
    """Yield what is wrong with the options; put those that are sound into `values`."""
    if len(words) > _MOST_WORDS:
        yield Problem(what=f"{len(words)} options are too many", hint=f"known: {', '.join(KEYS)}")
    seen: set[str] = set()
    for word in words[:_MOST_WORDS]:
        key, equals, value = word.partition("=")
        if strange := _strange(word):
            yield Problem(what=strange, where=_shown(word), hint="type it in plain ASCII")
        elif not equals:
            hint = "such as profile=full, without spaces around ="
            yield Problem(what="is no key=value", where=_shown(word), hint=hint)
        elif key not in KEYS:
            hint = did_you_mean(key, KEYS) or f"known: {', '.join(KEYS)}"
            yield Problem(what="unknown key", where=_shown(key), hint=hint)
        elif key in seen:
            yield Problem(what="is given twice", where=key, hint="give it once")
        elif not value:
            yield Problem(what="has no value", where=key, hint="no spaces around =")
        elif not _VALUE.fullmatch(value):
            what = f"{_shown(value)} is no value"
            hint = "at most 150 letters, digits and . _ + / , - with a letter or digit first"
            yield Problem(what=what, where=key, hint=hint)
        else:
            values[key] = value
        seen.add(key)


def _strange(word: str) -> str:
    """Name the first character that is not plain ASCII; such may look like one that is."""
    for character in word:
        if not (character.isascii() and character.isprintable()):
            name = unicodedata.name(character, "a character without a name")
            return f"holds U+{ord(character):04X} ({name})"
    return ""


def _shown(word: str) -> str:
    """Return a word for a message: short, and nothing that cannot be seen."""
    plain = "".join(char if char.isascii() and char.isprintable() else "?" for char in word)
    return repr(plain if len(plain) <= 60 else plain[:58] + "..")

"""What a search of issues is asked for a finding, and which of its hits look like it: pure.

A hit is a candidate, and no match: nobody has compared what it describes with what failed here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from release_gate.report.document import FindingReport

__all__ = ["Candidate", "Hit", "Wanted", "queries", "rank"]

#: Candidates of one finding that are shown, and the score below which a hit is none.
MOST: Final = 5
LEAST_SCORE: Final = 2.0

#: What GitHub takes of a search, in characters.
LONGEST_QUERY: Final = 256

#: Words by which people tell of a symptom, the one to search for first; by check, then by symptom.
_WORDS: Final = (
    ("bounds.*", "*", ("bounds", "over-read", "overread", "invalid read", "valgrind", "asan")),
    ("process.leaks", "*", ("leak", "memory", "rss")),
    ("wheel.*", "*", ("wheel", "import", "symbol")),
    ("special.*nan*", "wrong result", ("nan", "inf")),
    ("*", "wrong result", ("wrong", "incorrect", "inaccurate", "mismatch", "garbage", "corrupt")),
    ("*", "crash (SIGILL)", ("illegal instruction", "sigill", "crash")),
    ("*", "crash*", ("crash", "segfault", "sigsegv", "segmentation fault", "access violation")),
    ("*", "hang*", ("hang", "deadlock", "stuck", "freeze", "never returns")),
)

_PRECISION: Final = re.compile(r"^[sdcz](?=[a-z]\w{2})")
_YEAR: Final = timedelta(days=365)


@frozen(kw_only=True)
class Wanted:
    """What an issue about a finding would speak of: in lower case, most telling first."""

    routines: tuple[str, ...]
    kernels: tuple[str, ...]
    words: tuple[str, ...]

    @classmethod
    def of(cls, finding: FindingReport) -> Wanted:
        """Return what `finding` is about: the routines of its cases, its kernels, its symptom."""
        kernels = (each.kernel or "" for each in finding.failures)
        words = next(
            (
                words
                for check, symptom, words in _WORDS
                if fnmatchcase(finding.check, check) and fnmatchcase(finding.symptom, symptom)
            ),
            (),
        )
        return cls(
            routines=_distinct(finding.routines),
            kernels=_distinct(kernels),
            words=words,
        )


@frozen(kw_only=True)
class Hit:
    """An issue that a search found; `updated` has a time zone."""

    id: str
    url: str
    title: str
    body: str
    state: str
    updated: datetime


@frozen(kw_only=True)
class Candidate:
    """A hit with its place: the score orders candidates, `why` says in words what it is made of."""

    id: str
    url: str
    title: str
    state: str
    updated: str  # the day, ISO 8601
    why: str
    score: float


def queries(wanted: Wanted, repository: str) -> Iterator[str]:
    """Yield searches of one repository, the narrowest first.

    GitHub wants all words of a search to be there, so that a second one leaves out the kernel.
    """
    routine = wanted.routines[:1]
    scope = f"repo:{repository} is:issue"
    asked = [(*routine, *wanted.kernels[:1]), (*routine, *wanted.words[:1])]
    for words in dict.fromkeys(asked):
        if words:
            terms = " ".join(f'"{word}"' if " " in word else word for word in words)
            yield f"{scope} {terms}"[:LONGEST_QUERY]


def rank(hits: Iterable[Hit], wanted: Wanted, now: datetime) -> tuple[Candidate, ...]:
    """Return the hits that speak of what is wanted, best first, with the reasons in words.

    A routine counts most, then a kernel, then a word for the symptom; each counts for more in the
    title. What was touched lately comes before what was not, and open before closed.
    """
    best: dict[str, Candidate] = {}
    for hit in hits:
        best.setdefault(hit.url, _candidate(hit, wanted, now))
    good = [each for each in best.values() if each.score >= LEAST_SCORE]
    good.sort(key=lambda each: each.updated, reverse=True)
    good.sort(key=lambda each: each.score, reverse=True)
    return tuple(good[:MOST])


def _candidate(hit: Hit, wanted: Wanted, now: datetime) -> Candidate:
    told = [
        _routine(hit, wanted),
        _told(hit, "names the kernel", wanted.kernels, 2.0, 1.0),
        _told(hit, "speaks of", wanted.words, 1.0, 0.5),
        _recency(hit, now),
        (0.5, "open") if hit.state == "open" else (0.0, hit.state),
    ]
    return Candidate(
        id=hit.id,
        url=hit.url,
        title=hit.title,
        state=hit.state,
        updated=f"{hit.updated:%Y-%m-%d}",
        why="; ".join(reason for _, reason in told if reason),
        score=round(sum(score for score, _ in told), 2),
    )


def _routine(hit: Hit, wanted: Wanted) -> tuple[float, str]:
    exact = _told(hit, "names the routine", wanted.routines, 3.0, 2.0)
    return exact if exact[0] else _told(hit, "names", _siblings(wanted.routines), 1.5, 1.0)


def _told(
    hit: Hit, what: str, words: Iterable[str], in_title: float, in_text: float
) -> tuple[float, str]:
    """Return the score and the reason of the first of `words` that is in the title, or the text."""
    places = (("title", hit.title, in_title), ("text", hit.body, in_text))
    for place, text, score in places:
        for word in words:
            if re.search(rf"(?<!\w){re.escape(word)}", text, re.IGNORECASE):
                return score, f"{what} {word} in its {place}"
    return 0.0, ""


def _recency(hit: Hit, now: datetime) -> tuple[float, str]:
    age = now - hit.updated
    day = f"last touched {hit.updated:%Y-%m-%d}"
    if age < _YEAR:
        return 1.0, f"{day}, within a year"
    return (0.5, f"{day}, within three years") if age < 3 * _YEAR else (0.0, day)


def _siblings(routines: Iterable[str]) -> tuple[str, ...]:
    """Return the same routines in other precisions, and without: ``dgemm`` gives ``gemm`` too."""
    families = [_PRECISION.sub("", each) for each in routines]
    return _distinct(f"{precision}{each}" for each in families for precision in ("", *"sdcz"))


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return names in lower case, once each, without what means something to a search."""
    bare = (re.sub(r"\W", "", name).casefold() for name in names)
    return tuple(dict.fromkeys(name for name in bare if name))

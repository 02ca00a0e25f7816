"""Workflows as data: every value as it is written, text; ``on`` is no boolean here."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["PROJECT", "WORKFLOWS", "expand", "read_workflow", "steps_of", "texts_of"]

PROJECT: Final = Path(__file__).parents[2]
WORKFLOWS: Final = tuple(sorted((PROJECT / ".github" / "workflows").glob("*.yml")))

_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*(?:('(?:[^']|'')*')|([A-Za-z_][\w.-]*)|(&&|\|\||==|!=|[!(),]))")


def read_workflow(path: Path) -> dict[str, Any]:
    data = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  (makes text only)
    assert isinstance(data, dict)
    return data


def steps_of(workflow: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each step with a name that finds it again."""
    for job, body in workflow["jobs"].items():
        for number, step in enumerate(body.get("steps", ())):
            yield f"{job}: {step.get('name', number)}", step


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in a value of a workflow."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each)


def expand(
    text: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    """Return `text` with its expressions evaluated; a sole expression gives its value.

    Of the language it knows what this project's workflows say, and raises for anything else.
    """

    def value(match: re.Match[str]) -> Any:
        return _Expression(match[1], contexts, functions).value()

    text = text.strip()
    sole = _EXPRESSION.fullmatch(text)
    if sole and "${{" not in sole[1]:
        return value(sole)
    return _EXPRESSION.sub(lambda match: _written(value(match)), text)


def _written(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


class _Expression:
    """Evaluates by recursive descent. What is not there is None, as GitHub has it."""

    def __init__(
        self, text: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
    ) -> None:
        self._contexts = contexts
        self._functions = functions
        self._tokens: list[str] = []
        end, text = 0, text.strip()
        while end < len(text):
            match = _TOKEN.match(text, end)
            if match is None:
                raise ValueError(f"what is {text[end:]!r} in an expression?")
            self._tokens.append(match[0].strip())
            end = match.end()

    def value(self) -> Any:
        found = self._or()
        if self._tokens:
            raise ValueError(f"what is {self._tokens[0]!r} there for?")
        return found

    def _take(self, *wanted: str) -> str | None:
        return self._tokens.pop(0) if self._tokens and self._tokens[0] in wanted else None

    def _or(self) -> Any:
        found = self._and()
        while self._take("||"):
            other = self._and()
            found = found or other
        return found

    def _and(self) -> Any:
        found = self._compared()
        while self._take("&&"):
            other = self._compared()
            found = found and other
        return found

    def _compared(self) -> Any:
        found = self._one()
        while (sign := self._take("==", "!=")) is not None:
            found = (found == self._one()) is (sign == "==")
        return found

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            found = self._or()
            assert self._take(")")
            return found
        word = self._tokens.pop(0)
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if self._take("("):
            arguments = []
            while not self._take(")"):
                arguments.append(self._or())
                self._take(",")
            return self._functions[word](*arguments)
        context, *names = word.split(".")
        found = self._contexts[context]
        for name in names:
            found = found.get(name) if found is not None else None
        return found

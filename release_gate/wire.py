"""The JSON forms of the model's values: written atomically, read strictly, errors all at once."""

from __future__ import annotations

import json
import operator
import os
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_origin

import attrs
from cattrs import Converter, ForbiddenExtraKeysError, transform_error
from cattrs.gen import make_dict_structure_fn

from release_gate.errors import ConfigurationError, InfrastructureError, Problem, did_you_mean
from release_gate.model import CellResult, Plan

__all__ = [
    "CELL_SCHEMA",
    "PLAN_SCHEMA",
    "REPORT_SCHEMA",
    "document",
    "from_data",
    "parse_document",
    "read_cell",
    "read_document",
    "read_plan",
    "to_data",
    "write_atomically",
    "write_cell",
    "write_json",
    "write_plan",
]

T = TypeVar("T")

CELL_SCHEMA = "release-gate/cell/1"
PLAN_SCHEMA = "release-gate/plan/1"
REPORT_SCHEMA = "release-gate/report/1"

#: A cell result is some hundred kB; what is far beyond was not written by the gate.
MAX_DOCUMENT_BYTES = 64 * 2**20


def _scalar(value: object, kind: type) -> object:
    """Refuse what `kind` would silently convert: 1 for "1", "8" for 8, True for 1."""
    if issubclass(kind, StrEnum):  # cattrs finds the hook of `str` for it
        return _enum(value, kind)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:  # bool is an int to isinstance, and must not be one here
        msg = f"expected {kind.__name__}, got {type(value).__name__} {value!r:.60}"
        raise TypeError(msg)
    return value


def _enum(value: object, kind: type[StrEnum]) -> StrEnum:
    known = [str(member.value) for member in kind]
    if value not in known:
        hint = did_you_mean(str(value), known)
        msg = f"{value!r} is not one of {', '.join(known)}" + (f"; {hint}" if hint else "")
        raise ValueError(msg)
    return kind(value)


def _is_tuple(kind: object) -> bool:
    return get_origin(kind) is tuple


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in (str, int, float, bool):
        converter.register_structure_hook(kind, _scalar)
    lenient = converter.get_structure_hook(tuple[Any, ...])

    def items(value: object, kind: type) -> object:
        if not isinstance(value, list | tuple):  # a string would be taken apart into letters
            msg = f"expected a list, got {type(value).__name__} {value!r:.60}"
            raise TypeError(msg)
        return lenient(value, kind)

    converter.register_structure_hook_func(_is_tuple, items)
    converter.register_unstructure_hook(StrEnum, operator.attrgetter("value"))
    converter.register_structure_hook_factory(
        attrs.has,
        lambda kind: make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True),
    )
    return converter


_CONVERTER = _converter()


def to_data(value: object) -> Any:  # noqa: ANN401  (JSON)
    """Return `value` (an instance of a model class, or a tuple of them) as JSON data."""
    return _CONVERTER.unstructure(value)


def document(schema: str, value: object) -> str:
    """Return `value` (an instance of a model class) as the text of a document of that schema."""
    return json.dumps({"schema": schema, **to_data(value)}, indent=1)


def from_data(data: object, kind: type[T], where: str) -> T:
    """Return `data` as a `kind`; raise one ConfigurationError with every problem, `where` first."""
    try:
        return _CONVERTER.structure(data, kind)
    except Exception as error:
        problems = [_problem(text, where) for text in transform_error(error, "$", _message)]
        raise ConfigurationError(problems) from error


def _message(error: BaseException, kind: type | None) -> str:
    match error:
        case KeyError():
            return f"missing key {error.args[0]!r}"
        case ForbiddenExtraKeysError():
            known = [attribute.name for attribute in attrs.fields(error.cl)]
            return "; ".join(
                f"unknown key {key!r}" + (f", {hint}" if (hint := did_you_mean(key, known)) else "")
                for key in sorted(error.extra_fields)
            )
        case TypeError() | ValueError() if error.args:
            return str(error.args[0])
        case _:
            return f"not a valid {getattr(kind, '__name__', kind)} ({error})"


def _problem(text: str, where: str) -> Problem:
    what, _, path = text.rpartition(" @ ")
    if not what:
        return Problem(what=text, where=where)
    key = path.removeprefix("$").lstrip(".")
    return Problem(what=what, where=f"{where}: {key}" if key else where)


def write_atomically(path: Path, content: bytes) -> None:
    """Write `path` so that a reader, or a run after ``kill -9``, sees all of `content` or nothing.

    Raises InfrastructureError when the file cannot be written (no permission, disk full).
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise InfrastructureError(
            Problem(
                what=f"cannot write: {error.strerror or error}",
                where=str(path),
                hint="free some space or choose another folder with --out or --cache",
            )
        ) from error


def write_json(path: Path, data: object) -> None:
    """Write JSON `data` atomically, keys in the order of the model, one final newline.

    Half of a surrogate pair, which the output of a library may hold, becomes a question mark.
    """
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode("utf-8", "replace"))


def write_cell(path: Path, result: CellResult) -> None:
    write_json(path, {"schema": CELL_SCHEMA, **to_data(result)})


def write_plan(path: Path, plan: Plan) -> None:
    write_json(path, {"schema": PLAN_SCHEMA, **to_data(plan)})


def read_document(path: Path, schema: str) -> dict[str, Any]:
    """Return the JSON object in `path` without its ``schema`` key, which must equal `schema`.

    Raises ConfigurationError for a file that is missing, too large, cut short or of another kind.
    """
    where = str(path)
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            raise ConfigurationError(Problem(what="file is over 64 MiB; not read", where=where))
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            Problem(what=f"cannot read: {error.strerror or error}", where=where)
        ) from error
    return parse_document(content, schema, where)


def parse_document(content: bytes, schema: str, where: str) -> dict[str, Any]:
    """Return what `read_document` does, of a file's `content` that has been read."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            Problem(
                what=f"not a whole JSON document ({error})",
                where=where,
                hint="the file was cut short or changed; run its cell again",
            )
        ) from error
    if not isinstance(data, dict) or data.get("schema") != schema:
        found = data.get("schema") if isinstance(data, dict) else None
        kind = schema.rpartition("/")[0]
        other = isinstance(found, str) and found.rpartition("/")[0] == kind
        hint = "another version of release-gate wrote it: judge its cells again with this one"
        raise ConfigurationError(
            Problem(
                what=f"schema is {found!r}, expected {schema!r}",
                where=where,
                hint=hint if other else "",
            )
        )
    return {key: value for key, value in data.items() if key != "schema"}


def read_cell(path: Path) -> CellResult:
    return from_data(read_document(path, CELL_SCHEMA), CellResult, str(path))


def read_plan(path: Path) -> Plan:
    return from_data(read_document(path, PLAN_SCHEMA), Plan, str(path))

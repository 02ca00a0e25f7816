"""Generates the JSON Schemas from the values they describe.

Run as ``python -m release_gate.schemas.generate`` after a change of the model. The files
are kept in the package for whoever reads the documents without this code; a test keeps them equal
to what is generated here.
"""

from __future__ import annotations

import types
import typing
from enum import StrEnum
from typing import Any

import attrs

from release_gate.github.request import REQUEST_SCHEMA, RunRequest
from release_gate.judgement.catalogue import Entry, IssueFile
from release_gate.model import CellResult, Plan
from release_gate.report.document import Report
from release_gate.resources import schema_path
from release_gate.wire import CELL_SCHEMA, PLAN_SCHEMA, REPORT_SCHEMA, write_json

__all__ = ["DOCUMENTS", "ISSUES", "generate", "generate_table", "main"]

#: Name of the schema's file, the identifier in the documents, and the value they hold.
DOCUMENTS: dict[str, tuple[str, type]] = {
    "plan": (PLAN_SCHEMA, Plan),
    "cell": (CELL_SCHEMA, CellResult),
    "report": (REPORT_SCHEMA, Report),
    "request": (REQUEST_SCHEMA, RunRequest),
}

#: Name of the schema of the catalogue's files.
ISSUES = "known_issues"

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def generate(name: str) -> dict[str, Any]:
    """Return the schema of the document `name`, one of DOCUMENTS."""
    identifier, kind = DOCUMENTS[name]
    definitions: dict[str, Any] = {}
    top = _object(kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{identifier.replace('/', ':')}",
        "title": identifier,
        **top,
        "required": ["schema", *top["required"]],
        "properties": {"schema": {"const": identifier}, **top["properties"]},
        "$defs": dict(sorted(definitions.items())),
    }


def generate_table() -> dict[str, Any]:
    """Return the schema of a file of matrices/known_issues/, in which people leave keys out."""
    definitions: dict[str, Any] = {}
    top = _object(IssueFile, definitions)
    definitions[Entry.__name__]["required"] = [
        each.name for each in attrs.fields(Entry) if each.default is attrs.NOTHING
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:release-gate:known-issues",
        "title": "release-gate/known-issues",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an attrs class: the gate writes every key, also those with defaults."""
    hints = typing.get_type_hints(kind)
    fields = [field.name for field in attrs.fields(kind)]
    return {
        "description": (kind.__doc__ or "").partition("\n\n")[0].strip(),
        "type": "object",
        "required": fields,
        "properties": {name: _schema(hints[name], definitions) for name in fields},
        "additionalProperties": False,
    }


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401  (a type)
    if hint is Any:
        return {}
    if hint is type(None):
        return {"type": "null"}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if isinstance(hint, type) and (attrs.has(hint) or issubclass(hint, StrEnum)):
        return _reference(hint, definitions)
    return _composed(typing.get_origin(hint), typing.get_args(hint), definitions)


def _reference(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # holds the place while its own fields are read
        definitions[kind.__name__] = (
            {
                "description": (kind.__doc__ or "").partition("\n\n")[0].strip(),
                "enum": [member.value for member in kind],
            }
            if issubclass(kind, StrEnum)
            else _object(kind, definitions)
        )
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _composed(
    origin: object, arguments: tuple[Any, ...], definitions: dict[str, Any]
) -> dict[str, Any]:
    if origin is types.UnionType:
        return {"anyOf": [_schema(each, definitions) for each in arguments]}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    if origin is tuple and arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_schema(each, definitions) for each in arguments],
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }
    msg = f"no JSON form for {origin}{list(arguments)}"
    raise TypeError(msg)


def main() -> None:
    """Write all schemas into the package."""
    for name in DOCUMENTS:
        write_json(schema_path(name), generate(name))
    write_json(schema_path(ISSUES), generate_table())


if __name__ == "__main__":
    main()

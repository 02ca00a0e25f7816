"""Scripts of findings as the gate writes them, for a check's failing case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gate_values import CANDIDATE, artifact

from release_gate.model import Case
from release_gate.resources import checks_dir
from release_gate.scripts.sources import Source, source_for
from release_gate.scripts.templates import find_template, template_example, template_script
from release_gate.scripts.text import Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TEMPLATES", "example", "source_of_case"]

TEMPLATES = checks_dir() / "reproducers"


def source_of_case(check: str, case: Mapping[str, Any], kernel: str | None, threads: int) -> Source:
    """Return what the script of that case is made of; `case` as `planted.ask_checks` answers."""
    made = Case(
        routine=case["routine"], message=case["message"], parameters=dict(case["parameters"])
    )
    wheel = artifact(CANDIDATE, site="site")
    found = source_for(
        check, made, kernel=kernel, threads=threads, artifact=wheel, templates=TEMPLATES
    )
    assert found is not None
    return found


def example(check: str) -> str:
    """Return the script of a template with its own input."""
    template = find_template(check, TEMPLATES)
    assert template is not None
    given = template_example(template)
    kernel, threads = given.pop("kernel"), given.pop("threads")
    assert isinstance(kernel, str)
    assert isinstance(threads, int)
    return template_script(template, Trial(parameters=given, kernel=kernel, threads=threads))

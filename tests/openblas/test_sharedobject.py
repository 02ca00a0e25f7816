"""What is read of a shared object, and when it is read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from made_wheels import compile_library

from release_gate.errors import ConfigurationError
from release_gate.openblas.sharedobject import reachable_symbols, read_shared_object

if TYPE_CHECKING:
    from pathlib import Path


def test_names_of_a_library_and_of_those_beside_it(tmp_path: Path) -> None:
    real = compile_library(tmp_path / "libreal.so", extra="void only_here(void) {}")
    front = compile_library(
        tmp_path / "libfront.so",
        extra="void only_here(void); void in_front(void) { only_here(); }",
        options=("-x", "none", str(real)),
    )
    found = read_shared_object(real)
    assert found.soname == "libreal.so"
    assert "only_here" in found.exported
    linked = read_shared_object(front)
    assert "libreal.so" in linked.needed
    assert "only_here" in linked.undefined
    assert {"only_here", "in_front"} & linked.exported == {"in_front"}
    assert {"only_here", "in_front"} <= reachable_symbols(linked)


def test_a_file_is_read_again_when_it_changed_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = compile_library(tmp_path / "libmade.so")
    first = read_shared_object(path)
    monkeypatch.setattr(type(path), "open", None)
    assert read_shared_object(path) is first
    monkeypatch.undo()

    compile_library(tmp_path / "new.so", extra="void added(void) {}")
    (tmp_path / "new.so").replace(path)
    again = read_shared_object(path)
    assert again.path == path
    assert again.exported == first.exported | {"added"}


def test_what_is_gone_or_is_none_is_told_with_its_name(tmp_path: Path) -> None:
    path = compile_library(tmp_path / "libmade.so")
    read_shared_object(path)
    path.unlink()
    with pytest.raises(ConfigurationError, match="cannot read: No such file") as gone:
        read_shared_object(path)
    assert str(path) in str(gone.value)
    path.write_bytes(b"\x7fELF" + bytes(60))
    with pytest.raises(ConfigurationError, match="not an ELF shared library"):
        read_shared_object(path)

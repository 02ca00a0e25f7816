"""Linking in a build tree: only what must change changes, and anything else is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from made_wheels import HOST, compile_library

from release_gate.openblas.index import Index
from release_gate.openblas.library import Library, obtain_library
from release_gate.openblas.pins import resolve_pin
from release_gate.progress import Silent
from release_gate.wheels.toolchain import BuildEnvironment
from release_gate.wheels.tree import BuildTree, NotLinkedOnly

if TYPE_CHECKING:
    from pathlib import Path

NAME = "libscipy_openblas64_.so"
MODULE = "numpy/linalg/_umath_linalg.so"
OTHER = "numpy/random/mtrand.so"
CONFIG = """
blas = {"version": "VERSION", "openblas configuration": r"OPTIONS"}
lapack = {"version": "VERSION", "openblas configuration": r"OPTIONS"}
"""
NINJA = """
rule link
  command = cc -shared -o $out $in
  description = Linking target $out
rule compile
  command = cc -fPIC -c $in -o $out
  description = Compiling C object $out
build user.o: compile user.c USES
build numpy/linalg/_umath_linalg.so: link user.o LIBRARY
build numpy/random/mtrand.so: link user.o
"""


def library_of(folder: Path, version: str) -> Library:
    path = compile_library(folder / version / NAME, version=version)
    index = Index(folder)
    pin = resolve_pin(str(path), pins={}, host=HOST, index=index)
    return obtain_library(pin, index, folder)


def make_tree(folder: Path, library: Library, *, uses: str = "") -> BuildTree:
    """Make a tree as a compilation leaves it, with a build of two modules."""
    tools = folder / "venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "ninja").symlink_to(str(shutil.which("ninja")))
    tree = BuildTree(folder / "tree", BuildEnvironment(folder=folder / "venv", frozen=""))
    placed = tree.openblas / "lib" / NAME
    placed.parent.mkdir(parents=True)
    shutil.copyfile(library.path, placed)
    tree.build.mkdir()
    (tree.build / "user.c").write_text(
        "extern void scipy_dgesv_64_(void); void use(void) { scipy_dgesv_64_(); }"
    )
    text = NINJA.replace("LIBRARY", str(placed)).replace("USES", uses.format(placed=placed))
    (tree.build / "build.ninja").write_text(text)
    subprocess.run(["ninja", "-C", str(tree.build)], check=True, capture_output=True, timeout=60)
    for name in (MODULE, OTHER):
        (tree.prototype / name).parent.mkdir(parents=True)
        shutil.copyfile(tree.build / name, tree.prototype / name)
    config = CONFIG.replace("VERSION", library.version).replace("OPTIONS", library.build_options)
    (tree.prototype / "numpy" / "__config__.py").write_text(config)
    facts = {"version": library.version, "build_options": library.build_options}
    (tree.folder / "state.json").write_text(json.dumps({**facts, "epoch": 1, "wheel": "w.whl"}))
    return tree


@pytest.fixture
def old(tmp_path: Path) -> Library:
    return library_of(tmp_path, "0.3.98.0.0")


@pytest.fixture
def new(tmp_path: Path) -> Library:
    return library_of(tmp_path, "0.3.99.1.0")


def test_another_library_links_its_users_only(tmp_path: Path, old: Library, new: Library) -> None:
    tree = make_tree(tmp_path, old)
    assert tree.link(new, Silent()) == [MODULE]
    assert (tree.openblas / "lib" / NAME).read_bytes() == new.path.read_bytes()
    tree.assemble(tmp_path / "files", new, [MODULE])
    assert (tmp_path / "files" / MODULE).read_bytes() == (tree.build / MODULE).read_bytes()
    config = (tmp_path / "files" / "numpy" / "__config__.py").read_text()
    assert config == CONFIG.replace("VERSION", new.version).replace("OPTIONS", new.build_options)
    assert (tree.prototype / "numpy" / "__config__.py").read_text().count(old.version) == 4


def test_a_new_library_is_linked_whatever_its_age(
    tmp_path: Path, old: Library, new: Library
) -> None:
    tree = make_tree(tmp_path, old)
    os.utime(new.path, (1, 1))
    assert tree.link(new, Silent()) == [MODULE]


def test_when_something_is_compiled_linking_is_not_enough(
    tmp_path: Path, old: Library, new: Library
) -> None:
    tree = make_tree(tmp_path, old, uses="| {placed}")
    with pytest.raises(NotLinkedOnly, match=r"ninja also did: Compiling C object user\.o"):
        tree.link(new, Silent())


def test_when_a_user_was_not_linked_linking_is_not_enough(
    tmp_path: Path, old: Library, new: Library
) -> None:
    tree = make_tree(tmp_path, old)
    shutil.copyfile(tree.prototype / MODULE, tree.prototype / OTHER)
    with pytest.raises(NotLinkedOnly, match="expected"):
        tree.link(new, Silent())


def test_a_config_of_another_form_is_refused(tmp_path: Path, old: Library, new: Library) -> None:
    tree = make_tree(tmp_path, old)
    config = tree.prototype / "numpy" / "__config__.py"
    config.write_text(config.read_text().partition("lapack")[0])
    with pytest.raises(NotLinkedOnly, match="expected 2"):
        tree.assemble(tmp_path / "files", new, [])


def test_a_tree_that_was_not_finished_is_not_used(
    tmp_path: Path, old: Library, new: Library
) -> None:
    tree = make_tree(tmp_path, old)
    (tree.folder / "state.json").write_text('{"version": "0.3')
    assert tree.facts is None
    with pytest.raises(NotLinkedOnly, match="never compiled"):
        tree.link(new, Silent())

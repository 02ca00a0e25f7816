"""Entries of the cache: whole or not there, whatever happened while they were made."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from release_gate.errors import InfrastructureError
from release_gate.store import Store, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def fill(work: Path) -> None:
    (work / "a").write_bytes(b"first")
    (work / "sub").mkdir()
    (work / "sub" / "b").write_bytes(b"second")


def never(work: Path) -> None:
    pytest.fail(f"made again in {work}")


def remains(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "kind").iterdir() if not path.name.endswith("lock"))


def test_made_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.find("kind", "key") is None
    path = store.obtain("kind", "key", fill)
    assert (path / "sub" / "b").read_bytes() == b"second"
    assert store.obtain("kind", "key", never) == path
    assert remains(tmp_path) == ["key"]


def test_fresh_replaces_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.obtain("kind", "key", fill)
    path = store.obtain("kind", "key", lambda work: (work / "c").write_bytes(b"3"), fresh=True)  # type: ignore[arg-type]
    assert [file.name for file in path.iterdir() if file.name != "manifest.json"] == ["c"]
    assert remains(tmp_path) == ["key"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "a").write_bytes(b"furst"),
        lambda path: (path / "a").unlink(),
        lambda path: (path / "sub" / "extra.so").write_bytes(b""),
        lambda path: (path / "manifest.json").unlink(),
        lambda path: (path / "manifest.json").write_text('{"a": '),
        lambda path: (path / "manifest.json").write_text("[]"),
    ],
    ids=["changed", "lost", "added", "no manifest", "cut manifest", "other manifest"],
)
def test_a_damaged_entry_is_made_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    store = Store(tmp_path)
    damage(store.obtain("kind", "key", fill))
    assert store.find("kind", "key") is None
    path = store.obtain("kind", "key", fill)
    assert (path / "a").read_bytes() == b"first"
    assert not (path / "sub" / "extra.so").exists()


def test_bytecode_may_be_added(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.obtain("kind", "key", fill)
    (path / "sub" / "__pycache__").mkdir()
    (path / "sub" / "__pycache__" / "m.cpython-311.pyc").write_bytes(b"")
    assert store.find("kind", "key") == path


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(work: Path) -> None:
        fill(work)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Store(tmp_path).obtain("kind", "key", fail)
    assert remains(tmp_path) == []


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    def fail(work: Path) -> None:
        fill(work)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(InfrastructureError) as caught:
        Store(tmp_path).obtain("kind", "key", fail)
    assert caught.value.exit_code == 4
    assert "the disk is full" in str(caught.value)
    assert "--cache" in str(caught.value)
    assert remains(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MiB, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:  # noqa: PLW1510  (the status is what is asked for)
        pytest.skip("mounting a file system is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=30)


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    def large(work: Path) -> None:
        (work / "large").write_bytes(os.urandom(2 * 2**20))

    with pytest.raises(InfrastructureError, match="the disk is full"):
        Store(small_disk).obtain("kind", "key", large)
    assert remains(small_disk) == []
    assert (Store(small_disk).obtain("kind", "key", fill) / "a").is_file()


def test_killed_while_making(tmp_path: Path) -> None:
    """What `kill -9` leaves is neither used nor kept."""
    script = """
        import os, signal, sys
        from pathlib import Path
        from release_gate.store import Store
        def make(work):
            (work / "a").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        Store(Path(sys.argv[1])).obtain("kind", "key", make)
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], check=False, timeout=60
    )
    assert child.returncode == -signal.SIGKILL
    assert remains(tmp_path) != []
    store = Store(tmp_path)
    assert store.find("kind", "key") is None
    assert (store.obtain("kind", "key", fill) / "a").read_bytes() == b"first"
    assert remains(tmp_path) == ["key"]


def test_two_at_once_make_it_once(tmp_path: Path) -> None:
    made = []
    barrier = threading.Barrier(2)

    def make(work: Path) -> None:
        made.append(work)
        fill(work)

    def obtain() -> None:
        barrier.wait()
        Store(tmp_path).obtain("kind", "key", make)

    threads = [threading.Thread(target=obtain) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_digest_of_values() -> None:
    assert digest_of("a", 1, {"x": 1, "y": 2}) == digest_of("a", 1, {"y": 2, "x": 1})
    assert digest_of("a", "b") != digest_of("ab")
    assert digest_of("a", 1) != digest_of("a", "1")

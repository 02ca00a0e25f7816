"""The package index: what is kept, what is believed, and what happens when it does not answer."""

from __future__ import annotations

import errno
import hashlib
from typing import TYPE_CHECKING

import pytest

from release_gate.errors import ConfigurationError, InfrastructureError
from release_gate.openblas.index import Index

if TYPE_CHECKING:
    from pathlib import Path

    from made_wheels import MadeIndex

NAME = "numpy-2.4.6.tar.gz"


@pytest.fixture
def digest(made_index: MadeIndex, tmp_path: Path) -> str:
    (tmp_path / NAME).write_bytes(b"a source archive")
    return made_index.add("numpy", tmp_path / NAME)


def test_lists_and_fetches_once(made_index: MadeIndex, digest: str, tmp_path: Path) -> None:
    index = Index(tmp_path / "cache", made_index.url)
    (file,) = index.files("numpy")
    assert (file.filename, file.version, file.sha256) == (NAME, "2.4.6", digest)
    (package,) = index.packages("numpy")
    assert f"{package.upload_time:%Y-%m-%d}" == "2026-05-18"
    path = index.fetch(file)
    assert path.read_bytes() == b"a source archive"
    asked = len(made_index.requests)
    assert index.fetch(file) == path
    assert Index(tmp_path / "cache", made_index.url).fetch_pinned("numpy", NAME, digest) == path
    assert len(made_index.requests) == asked


def test_a_passing_fault_is_waited_out(made_index: MadeIndex, digest: str, tmp_path: Path) -> None:
    made_index.failures = 2
    index = Index(tmp_path / "cache", made_index.url)
    (file,) = index.files("numpy")
    made_index.failures = 2
    assert hashlib.sha256(index.fetch(file).read_bytes()).hexdigest() == digest


def test_what_is_cached_works_without_an_answer(
    made_index: MadeIndex, digest: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    path = Index(cache, made_index.url).fetch_pinned("numpy", NAME, digest)
    made_index.down = True
    said: list[str] = []
    later = Index(cache, made_index.url, say=said.append)
    assert [file.filename for file in later.files("numpy")] == [NAME]
    assert later.fetch_pinned("numpy", NAME, digest) == path
    assert len(said) == 1
    assert "HTTP status 503" in said[0]
    assert "using its list of numpy" in said[0]


def test_no_answer_and_nothing_cached(made_index: MadeIndex, tmp_path: Path) -> None:
    made_index.down = True
    with pytest.raises(InfrastructureError) as caught:
        Index(tmp_path / "cache", made_index.url).files("numpy")
    assert caught.value.exit_code == 4
    assert "HTTP status 503" in str(caught.value)
    assert "--index-url" in str(caught.value)


def test_nobody_listens(tmp_path: Path) -> None:
    address = "http://user:secret@127.0.0.1:9/simple/"
    with pytest.raises(InfrastructureError) as caught:
        Index(tmp_path / "cache", address).files("numpy")
    assert "secret" not in str(caught.value)


def test_no_such_project(made_index: MadeIndex, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such project"):
        Index(tmp_path / "cache", made_index.url).files("nunpy")


def test_pin_and_index_disagree(made_index: MadeIndex, digest: str, tmp_path: Path) -> None:
    wrong = "0" * 64
    with pytest.raises(ConfigurationError) as caught:
        Index(tmp_path / "cache", made_index.url).fetch_pinned("numpy", NAME, wrong)
    assert caught.value.exit_code == 2
    assert wrong in str(caught.value)
    assert digest in str(caught.value)
    assert NAME in str(caught.value)


def test_bytes_are_not_what_the_index_says(
    made_index: MadeIndex, digest: str, tmp_path: Path
) -> None:
    claimed = "1" * 64
    made_index.digests[NAME] = claimed
    index = Index(tmp_path / "cache", made_index.url)
    (file,) = index.files("numpy")
    with pytest.raises(InfrastructureError) as caught:
        index.fetch(file)
    assert claimed in str(caught.value)
    assert digest in str(caught.value)
    assert [path for path in (tmp_path / "cache" / "downloads").rglob("*") if path.is_file()] == []


def test_a_damaged_file_is_fetched_again(
    made_index: MadeIndex, digest: str, tmp_path: Path
) -> None:
    index = Index(tmp_path / "cache", made_index.url)
    path = index.fetch_pinned("numpy", NAME, digest)
    path.write_bytes(b"damaged")
    assert index.fetch_pinned("numpy", NAME, digest).read_bytes() == b"a source archive"


def test_a_full_disk_keeps_nothing(
    made_index: MadeIndex, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    index = Index(tmp_path / "cache", made_index.url)
    with pytest.raises(InfrastructureError, match="No space left"):
        index.fetch_pinned("numpy", NAME, digest)
    assert [path for path in (tmp_path / "cache" / "downloads").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
def test_the_environment_names_an_index(
    variable: str, made_index: MadeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    assert Index(tmp_path).url is None
    monkeypatch.setenv(variable, made_index.url)
    assert Index(tmp_path).url == made_index.url

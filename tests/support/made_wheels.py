"""Small libraries, wheels and a package index, made in the test: real files, compiled and served.

The made-up OpenBLAS exports a few symbols and answers for its kernels as the real one does; the
made-up NumPy calls it through a module that names it as a dependency.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from attrs import define, field

from release_gate.model import Host, Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "HOST",
    "INTERPRETER",
    "LINALG",
    "NUMPY",
    "MadeIndex",
    "compile_library",
    "compile_user",
    "make_numpy_wheel",
    "make_openblas_wheel",
    "make_scipy_wheel",
    "serve",
    "write_wheel",
]

HOST = Host(
    system="linux",
    machine="x86_64",
    cpu="a made-up CPU",
    flags=("avx", "avx2"),
    cores=2,
    libc="glibc 2.36",
)
INTERPRETER = Interpreter(
    executable=sys.executable, version=".".join(str(n) for n in sys.version_info[:3])
)

SCIPY_LINALG = """
import ctypes, os
_module = ctypes.CDLL(os.path.join(os.path.dirname(__file__), "_flapack.cpython-made.so"))
_module.use()
"""

_OPENBLAS = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#define PASTE2(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE2(a, b, c)
#define NAME(name) PASTE(PREFIX, name, SUFFIX)
char *NAME(openblas_get_config)(void) { return CONFIG; }
int NAME(openblas_get_num_threads)(void) { return 1; }
void NAME(openblas_set_num_threads)(int n) { (void)n; }
int NAME(openblas_get_parallel)(void) { return 1; }
char *NAME(openblas_get_corename)(void) {
    const char *asked = getenv("OPENBLAS_CORETYPE");
    if (!asked) return "Haswell";
    if (!strcasecmp(asked, "Haswell") || !strcasecmp(asked, "Zen")) return "Haswell";
    if (!strcasecmp(asked, "Broken")) raise(SIGILL);
    if (!strcasecmp(asked, "Leaver")) _exit(0);
    if (getenv("OPENBLAS_VERBOSE")) fprintf(stderr, "Core not found: %s\n", asked);
    return "Haswell";
}
void NAME(cblas_dgemm)(void) {}
void NAME(dgesv_)(void) {}
EXTRA
"""

NUMPY = """
import ctypes, os
__version__ = "2.4.6"
_here = os.path.dirname(os.path.abspath(__file__))
_module = ctypes.CDLL(os.path.join(_here, "_core", "_multiarray_umath.cpython-made.so"))
_module.use()


class _Matrix:
    def __init__(self, rows): self.rows = rows
    def dot(self, other):
        return _Matrix([[sum(a * b for a, b in zip(row, column)) for column in zip(*other.rows)]
                        for row in self.rows])
    def __sub__(self, other):
        return _Matrix([[a - b for a, b in zip(*rows)] for rows in zip(self.rows, other.rows)])
    def __abs__(self): return _Matrix([[abs(a) for a in row] for row in self.rows])
    def max(self): return max(map(max, self.rows))


def array(rows): return _Matrix(rows)
def eye(n): return _Matrix([[float(i == j) for j in range(n)] for i in range(n)])
def show_config(mode=None):
    one = {"name": "scipy-openblas", "version": "BUILT"}
    return {"Build Dependencies": {"blas": one, "lapack": one}}
"""

LINALG = """
from numpy import _Matrix


def inv(m):
    (a, b), (c, d) = m.rows
    e = a * d - b * c
    return _Matrix([[d / e, -b / e], [-c / e, a / e]])
"""


def _compile(source: str, target: Path, *options: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(target), *options],
        input=source.encode(),
        check=True,
        timeout=240,  # 0.1 s, but a machine may be very busy
    )
    return target


def compile_library(
    target: Path,
    *,
    version: str = "0.3.99.1.0",
    config: str | None = None,
    prefix: str = "scipy_",
    suffix: str = "64_",
    extra: str = "",
    options: tuple[str, ...] = (),
) -> Path:
    """Compile a made-up OpenBLAS; `extra` is C code that goes into it."""
    config = config or f"OpenBLAS {version}  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Haswell"
    return _compile(
        _OPENBLAS.replace("EXTRA", extra),
        target,
        f"-DPREFIX={prefix}",
        f"-DSUFFIX={suffix}",
        f'-DCONFIG="{config}"',
        f"-Wl,-soname,{target.name}",
        *options,
    )


def compile_user(
    target: Path,
    library: Path,
    *,
    prefix: str = "scipy_",
    suffix: str = "64_",
    rpath: str = "$ORIGIN/../../numpy.libs",
) -> None:
    """Compile a module that calls `library` and looks for it in `rpath`."""
    call = f"{prefix}cblas_dgemm{suffix}"
    _compile(
        f"extern void {call}(void); void use(void) {{ {call}(); }}",
        target,
        *("-x", "none", str(library), f"-Wl,--disable-new-dtags,-rpath,{rpath}"),
    )


def write_wheel(target: Path, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Write a wheel with `files` and the metadata that a wheel must have."""
    info = f"{name}-{version}.dist-info"
    everything = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n",
    }
    rows = "".join(
        f"{path},sha256={_record_digest(content)},{len(content)}\n"
        for path, content in everything.items()
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in everything.items():
            archive.writestr(path, content)
        archive.writestr(f"{info}/RECORD", f"{rows}{info}/RECORD,,\n")
    return target


def _record_digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def make_openblas_wheel(
    folder: Path, version: str = "0.3.99.1.0", *, extra: str = "", bits: int = 64
) -> Path:
    """Make a wheel as the provider of OpenBLAS makes it, with integers of `bits`."""
    work = folder / f"lib-{version}"
    name = f"scipy_openblas{bits}"
    suffix = "64_" if bits == 64 else ""
    library = compile_library(
        work / f"libscipy_openblas{suffix}.so",
        version=version,
        config=None if bits == 64 else f"OpenBLAS {version}  DYNAMIC_ARCH NO_AFFINITY Haswell",
        suffix=suffix,
        extra=extra,
    )
    files = {
        f"{name}/lib/{library.name}": library.read_bytes(),
        f"{name}/lib/pkgconfig/scipy-openblas.pc": (
            f"version={version}\nopenblas_config= USE_64BITINT=1 DYNAMIC_ARCH=1\n".encode()
        ),
        f"{name}/include/cblas.h": b"/* made up */\n",
        f"{name}-{version}.dist-info/licenses/LICENSE.txt": (
            b"Text of the package\n----\n\n"
            b"This binary distribution of NumPy also bundles the following software:\n\n"
            b"Name: OpenBLAS\nFiles: lib/libscipy_openblas*.so\n"
            b"Copyright The OpenBLAS Project\n"
            b"Name: LAPACK\nFiles: lib/libscipy_openblas*.so\n"
            b"Copyright University of Tennessee\n"
        ),
    }
    tags = "py3-none-manylinux_2_27_x86_64.manylinux_2_28_x86_64"
    shutil.rmtree(work)
    return write_wheel(folder / f"{name}-{version}-{tags}.whl", name, version, files)


def make_numpy_wheel(
    folder: Path,
    *,
    library: Path | None = None,
    built: str = "0.3.99.1.0",
    tag: str | None = None,
    prefix: str = "scipy_",
    suffix: str = "64_",
    licence: bytes = b"The OpenBLAS Project, University of Tennessee\n",
) -> Path:
    """Make a NumPy wheel with `library` in it (a made-up one by default)."""
    work = folder / "numpy-work"
    bundled = work / "libscipy_openblas64_-abcdef01.so"
    if library is None:
        compile_library(bundled, version=built, prefix=prefix, suffix=suffix)
    else:
        bundled.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library, bundled)
    user = work / "user.so"
    compile_user(user, bundled, prefix=prefix, suffix=suffix)
    files = {
        "numpy/__init__.py": NUMPY.replace("BUILT", built).encode(),
        "numpy/linalg/__init__.py": LINALG.encode(),
        "numpy/_core/_multiarray_umath.cpython-made.so": user.read_bytes(),
        f"numpy.libs/{bundled.name}": bundled.read_bytes(),
        "numpy-2.4.6.dist-info/licenses/LICENSE.txt": licence,
    }
    tag = tag or f"{INTERPRETER.tag}-{INTERPRETER.tag}-manylinux_2_28_x86_64"
    shutil.rmtree(work)
    return write_wheel(folder / f"numpy-2.4.6-{tag}.whl", "numpy", "2.4.6", files)


def make_scipy_wheel(folder: Path, version: str, tests: Mapping[str, str]) -> Path:
    """Make a SciPy wheel with an OpenBLAS whose integers have 32 bits, and `tests` by file name."""
    work = folder / "scipy-work"
    bundled = compile_library(
        work / "libscipy_openblas-abcdef01.so", config="OpenBLAS 0.3.98  DYNAMIC_ARCH", suffix=""
    )
    user = work / "user.so"
    compile_user(user, bundled, suffix="", rpath="$ORIGIN/../../scipy.libs")
    files = {
        "scipy/__init__.py": f"__version__ = {version!r}\n".encode(),
        "scipy/conftest.py": b"",
        "scipy/linalg/__init__.py": SCIPY_LINALG.encode(),
        "scipy/linalg/_flapack.cpython-made.so": user.read_bytes(),
        f"scipy.libs/{bundled.name}": bundled.read_bytes(),
        **{f"scipy/linalg/tests/{name}": text.encode() for name, text in tests.items()},
    }
    tag = f"{INTERPRETER.tag}-{INTERPRETER.tag}-manylinux_2_28_x86_64"
    shutil.rmtree(work)
    return write_wheel(folder / f"scipy-{version}-{tag}.whl", "scipy", version, files)


@define
class MadeIndex:
    """A package index on this machine. `files` are served under their names."""

    url: str
    files: dict[str, dict[str, bytes]] = field(factory=dict)  # project -> name -> content
    digests: dict[str, str] = field(factory=dict)  # what the listing claims, where it lies
    down: bool = False  # answers 503 to everything
    failures: int = 0  # so many answers fail before one succeeds
    requests: list[str] = field(factory=list)

    def add(self, project: str, path: Path) -> str:
        """Serve the file `path`; return its digest."""
        content = path.read_bytes()
        self.files.setdefault(project, {})[path.name] = content
        return hashlib.sha256(content).hexdigest()

    def answer(self, path: str) -> tuple[int, str, bytes]:
        self.requests.append(path)
        if self.down or self.failures > 0:
            self.failures -= 1
            return 503, "text/plain", b"later"
        kind, _, rest = path.strip("/").partition("/")
        if kind == "simple" and rest in self.files:
            return 200, "application/vnd.pypi.simple.v1+json", self._listing(rest)
        for files in self.files.values():
            if kind == "files" and rest in files:
                return 200, "application/octet-stream", files[rest]
        return 404, "text/plain", b"no such thing"

    def _listing(self, project: str) -> bytes:
        base = self.url.removesuffix("/simple/")
        files = [
            {
                "filename": name,
                "url": f"{base}/files/{name}",
                "size": len(self.files[project][name]),
                "upload-time": "2026-05-18T21:43:00Z",
                "hashes": {"sha256": self.digests.get(name, hashlib.sha256(content).hexdigest())},
            }
            for name, content in self.files[project].items()
        ]
        page = {"meta": {"api-version": "1.1"}, "name": project, "files": files, "versions": []}
        return json.dumps(page).encode()


@contextmanager
def serve() -> Iterator[MadeIndex]:
    """Serve an empty index until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            status, kind, content = index.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index = MadeIndex(url=f"http://127.0.0.1:{server.server_port}/simple/")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield index
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

#!/usr/bin/env python3
"""Makes the demo's bucket: the files that a build job would have left there.

    make-demo.py            writes testdata/demo/bucket
    make-demo.py --check    fails unless the bucket is what would be written

Only Python's standard library is used, and the same bytes come out on every
run: times are fixed, members are in a fixed order and the machine code is put
together here. (Compressed bytes also depend on the zlib that Python is linked
with; the committed ones were made with zlib's own 1.2/1.3 line.)
"""

import argparse
import base64
import filecmp
import gzip
import hashlib
import io
import json
import pathlib
import stat
import struct
import sys
import tarfile
import tempfile
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
BUCKET = HERE / "demo" / "bucket"

REPOSITORY = "relpub/demo"
COMMIT = "5f2c0e6d9b3a41c78e1d2f60a9b47c3d8e5f1a20"
PACKAGE = "relpub_demo"
VERSION = "1.2.3"
DIST_INFO = f"{PACKAGE}-{VERSION}.dist-info"

# 2026-01-01 00:00:00 UTC, as a zip archive, a tar archive and gzip spell it.
ZIP_TIME = (2026, 1, 1, 0, 0, 0)
UNIX_TIME = 1767225600

INIT_PY = f'''\
"""A package that exists to be released, again and again."""

__version__ = "{VERSION}"


def answer() -> int:
    """Returns the answer, from machine code where the wheel carries some."""
    try:
        from relpub_demo import _native
    except ImportError:
        return 42
    return _native.answer()
'''

MAIN_PY = '''\
"""Runs the demo."""

from relpub_demo import __version__, answer


def main() -> None:
    """Prints one line."""
    print(f"relpub-demo {__version__}: the answer is {answer()}")


if __name__ == "__main__":
    main()
'''

README_MD = """\
# relpub-demo

A package that exists to be released. It has **a pure wheel**, a wheel with a
native library, an sdist, two programs and an archive of documentation.

```console
$ relpub-demo
relpub-demo 1.2.3: the answer is 42
```
"""

METADATA = f"""\
Metadata-Version: 2.4
Name: relpub-demo
Version: {VERSION}
Summary: A package that exists to be released
Keywords: release,demo
Author: The relpub authors
License-Expression: MIT
License-File: LICENSE
Classifier: Development Status :: 5 - Production/Stable
Classifier: Intended Audience :: Developers
Classifier: Programming Language :: Python :: 3
Classifier: Programming Language :: Python :: 3 :: Only
Classifier: Topic :: Software Development :: Build Tools
Classifier: Typing :: Typed
Requires-Python: >=3.10
Requires-Dist: typing-extensions>=4.6; python_version < "3.12"
Provides-Extra: docs
Requires-Dist: markdown>=3.5; extra == "docs"
Project-URL: Repository, https://github.com/{REPOSITORY}
Project-URL: Changelog, https://github.com/{REPOSITORY}/releases
Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM

{README_MD}"""

PYPROJECT_TOML = f"""\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "relpub-demo"
version = "{VERSION}"
description = "A package that exists to be released"
readme = "README.md"
requires-python = ">=3.10"
license = "MIT"
license-files = ["LICENSE"]
authors = [{{ name = "The relpub authors" }}]
keywords = ["release", "demo"]
classifiers = [
  "Development Status :: 5 - Production/Stable",
  "Intended Audience :: Developers",
  "Programming Language :: Python :: 3",
  "Programming Language :: Python :: 3 :: Only",
  "Topic :: Software Development :: Build Tools",
  "Typing :: Typed",
]
dependencies = ['typing-extensions>=4.6; python_version < "3.12"']

[project.optional-dependencies]
docs = ["markdown>=3.5"]

[project.scripts]
relpub-demo = "relpub_demo.__main__:main"

[project.urls]
Repository = "https://github.com/{REPOSITORY}"
Changelog = "https://github.com/{REPOSITORY}/releases"
"""

INDEX_HTML = f"""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>relpub-demo {VERSION}</title>
<h1>relpub-demo {VERSION}</h1>
<p>Run <code>relpub-demo</code>: it prints the answer.</p>
</html>
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed bucket, write nothing")
    if not parser.parse_args().check:
        write(BUCKET)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        write(fresh)
        wrong = differences(fresh, BUCKET)
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        print(f"the bucket is not what make-demo.py makes (with zlib {zlib.ZLIB_RUNTIME_VERSION})", file=sys.stderr)
        return 1
    print(f"{BUCKET.relative_to(HERE.parent)}: as made")
    return 0


def write(bucket: pathlib.Path) -> None:
    """Writes every artifact below `bucket`, and the manifest that lists them."""
    pure = wheel(["py3-none-any"], pure=True)
    native = wheel(["cp310-abi3-manylinux_2_17_x86_64", "cp310-abi3-manylinux2014_x86_64"], pure=False)
    artifacts = {
        f"wheels/{PACKAGE}-{VERSION}-py3-none-any.whl": ("wheel", pure),
        f"wheels/{PACKAGE}-{VERSION}-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl": ("wheel", native),
        f"dist/{PACKAGE}-{VERSION}.tar.gz": ("sdist", sdist()),
        "bin/x86_64-unknown-linux-gnu/relpub-demo": ("binary", linux_program()),
        "bin/aarch64-apple-darwin/relpub-demo": ("binary", macos_program()),
        "docs.tar.gz": ("archive", tar_gz({"docs/index.html": INDEX_HTML.encode()})),
    }
    for name, (kind, content) in artifacts.items():
        path = bucket / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if kind == "binary" else 0o644)
    (bucket / "manifest.json").write_bytes(manifest(artifacts))


def manifest(artifacts: dict[str, tuple[str, bytes]]) -> bytes:
    entries = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "kind": kind}
        for name, (kind, content) in sorted(artifacts.items())
    ]
    source = {"repository": REPOSITORY, "commit": COMMIT}
    document = {"schema": 1, "source": source, "version": VERSION, "artifacts": entries}
    return (json.dumps(document, indent=2) + "\n").encode()


def differences(fresh: pathlib.Path, committed: pathlib.Path) -> list[str]:
    def files(top: pathlib.Path) -> set[pathlib.Path]:
        return {path.relative_to(top) for path in top.rglob("*") if path.is_file()}

    made, kept = files(fresh), files(committed)
    lines = [f"missing     {path}" for path in sorted(made - kept)]
    lines += [f"unexpected  {path}" for path in sorted(kept - made)]
    same = made & kept
    lines += [f"differs     {path}" for path in sorted(same) if not filecmp.cmp(fresh / path, committed / path, shallow=False)]
    return lines


# Python distributions


def licence() -> bytes:
    return (HERE.parent / "LICENSE-MIT").read_text(encoding="utf-8").encode()


def package_files() -> dict[str, bytes]:
    return {
        f"{PACKAGE}/__init__.py": INIT_PY.encode(),
        f"{PACKAGE}/__main__.py": MAIN_PY.encode(),
        f"{PACKAGE}/py.typed": b"",
    }


def wheel(tags: list[str], *, pure: bool) -> bytes:
    """A wheel as the binary distribution format describes it, RECORD last."""
    files = package_files()
    if not pure:
        files[f"{PACKAGE}/_native.abi3.so"] = python_extension()
    lines = ["Wheel-Version: 1.0", "Generator: make-demo.py (1)", f"Root-Is-Purelib: {str(pure).lower()}"]
    lines += [f"Tag: {tag}" for tag in tags]
    files[f"{DIST_INFO}/METADATA"] = METADATA.encode()
    files[f"{DIST_INFO}/WHEEL"] = ("\n".join(lines) + "\n").encode()
    files[f"{DIST_INFO}/entry_points.txt"] = b"[console_scripts]\nrelpub-demo = relpub_demo.__main__:main\n"
    files[f"{DIST_INFO}/licenses/LICENSE"] = licence()
    files[f"{DIST_INFO}/RECORD"] = record(files)

    archive = io.BytesIO()
    # A seekable output: sizes go into the local headers, and no data descriptor is written.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.create_system = 3  # Unix, also when made on Windows
            info.external_attr = (stat.S_IFREG | (0o755 if name.endswith(".so") else 0o644)) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(info, content)
    return archive.getvalue()


def record(files: dict[str, bytes]) -> bytes:
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}\n")
    rows.append(f"{DIST_INFO}/RECORD,,\n")
    return "".join(rows).encode()


def sdist() -> bytes:
    top = f"{PACKAGE}-{VERSION}"
    files = {
        f"{top}/LICENSE": licence(),
        f"{top}/PKG-INFO": METADATA.encode(),
        f"{top}/README.md": README_MD.encode(),
        f"{top}/pyproject.toml": PYPROJECT_TOML.encode(),
    }
    files |= {f"{top}/src/{name}": content for name, content in package_files().items()}
    return tar_gz(files)


def tar_gz(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 9, packed, mtime=UNIX_TIME) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as out,
    ):
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            # A fraction, even zero, is kept in a pax header, as setuptools leaves one.
            info.mtime = float(UNIX_TIME)
            out.addfile(info, io.BytesIO(content))
    return packed.getvalue()


# Machine code

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
READ, WRITE, EXECUTE = 4, 2, 1
ELF_HEADER, PROGRAM_HEADER = 64, 56


def elf(kind: int, entry: int, segments: list[bytes]) -> bytes:
    """The ELF64 x86-64 file header and program headers; no section headers."""
    ident = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = struct.pack("<HHIQQQIHHHHHH", kind, 62, 1, entry, ELF_HEADER, 0, 0, ELF_HEADER, PROGRAM_HEADER, len(segments), 0, 0, 0)
    return ident + header + b"".join(segments)


def segment(kind: int, flags: int, offset: int, address: int, size: int, align: int) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, flags, offset, address, address, size, size, align)


def linux_program() -> bytes:
    """A static program: write(1, message), exit(0)."""
    base = 0x400000
    start = ELF_HEADER + 2 * PROGRAM_HEADER
    message = f"relpub-demo {VERSION}: the answer is 42\n".encode()
    code = bytes.fromhex("b801000000")  # mov eax, 1 (write)
    code += bytes.fromhex("bf01000000")  # mov edi, 1 (standard output)
    code += bytes.fromhex("488d3510000000")  # lea rsi, [rip + 16]: the message behind the code
    code += b"\xba" + struct.pack("<I", len(message))  # mov edx, its length
    code += bytes.fromhex("0f05")  # syscall
    code += bytes.fromhex("b83c000000")  # mov eax, 60 (exit)
    code += bytes.fromhex("31ff")  # xor edi, edi
    code += bytes.fromhex("0f05")  # syscall
    size = start + len(code) + len(message)
    segments = [
        segment(PT_LOAD, READ | EXECUTE, 0, base, size, 0x1000),
        segment(PT_GNU_STACK, READ | WRITE, 0, 0, 0, 16),
    ]
    return elf(2, base + start, segments) + code + message


def python_extension() -> bytes:
    """A shared object that CPython imports: a module with one function, `answer`.

    The first page holds headers, code and symbols, the second what the loader
    writes to: the module definition, the method table, the imported addresses
    and the dynamic section.
    """
    names = ["", "PyInit__native", "PyModuleDef_Init", "PyLong_FromLong", "_native.abi3.so", "_native", "answer"]
    strings, at = b"", {}
    for name in names:
        at[name] = len(strings)
        strings += name.encode() + b"\0"

    data = 0x1000
    definition, methods, imports, dynamic = data, data + 104, data + 168, data + 184
    text = ELF_HEADER + 4 * PROGRAM_HEADER

    def rip(instruction: int, target: int) -> bytes:
        return struct.pack("<i", target - instruction)

    init = bytes.fromhex("488d3d") + rip(text + 7, definition)  # lea rdi, [definition]
    init += bytes.fromhex("ff25") + rip(text + 13, imports)  # jmp [PyModuleDef_Init]
    answer_at = text + len(init)
    answer = bytes.fromhex("bf2a000000")  # mov edi, 42
    answer += bytes.fromhex("ff25") + rip(answer_at + 11, imports + 8)  # jmp [PyLong_FromLong]
    code = (init + answer).ljust(32, b"\x90")

    def symbol(name: str, section: int, address: int, size: int) -> bytes:
        return struct.pack("<IBBHQQ", at[name], 0x12, 0, section, address, size)  # global function

    symbols_at = text + len(code)
    symbols = bytes(24) + symbol("PyInit__native", 1, text, len(init))
    symbols += symbol("PyModuleDef_Init", 0, 0, 0) + symbol("PyLong_FromLong", 0, 0, 0)
    # One bucket: a chain through all three names.
    hash_at = symbols_at + len(symbols)
    table = struct.pack("<7I", 1, 4, 1, 0, 2, 3, 0).ljust(32, b"\0")
    rela_at = hash_at + len(table)
    strings_at = rela_at + 6 * 24

    def relative(place: int, target: int) -> bytes:
        return struct.pack("<QQq", place, 8, target)  # R_X86_64_RELATIVE

    def imported(place: int, index: int) -> bytes:
        return struct.pack("<QQq", place, index << 32 | 6, 0)  # R_X86_64_GLOB_DAT

    rela = relative(definition + 40, strings_at + at["_native"])  # PyModuleDef.m_name
    rela += relative(definition + 64, methods)  # PyModuleDef.m_methods
    rela += relative(methods, strings_at + at["answer"])  # PyMethodDef.ml_name
    rela += relative(methods + 8, answer_at)  # PyMethodDef.ml_meth
    rela += imported(imports, 2) + imported(imports + 8, 3)

    entries = [
        (14, at["_native.abi3.so"]),  # DT_SONAME
        (4, hash_at),  # DT_HASH
        (5, strings_at),  # DT_STRTAB
        (10, len(strings)),  # DT_STRSZ
        (6, symbols_at),  # DT_SYMTAB
        (11, 24),  # DT_SYMENT
        (7, rela_at),  # DT_RELA
        (8, len(rela)),  # DT_RELASZ
        (9, 24),  # DT_RELAENT
        (0, 0),  # DT_NULL
    ]
    dynamic_section = b"".join(struct.pack("<QQ", tag, value) for tag, value in entries)
    module = struct.pack("<Q", 1).ljust(104, b"\0")  # one reference; the rest is filled in or zero
    method = struct.pack("<QQi", 0, 0, 4).ljust(64, b"\0")  # METH_NOARGS, then the end of the table
    second = module + method + bytes(16) + dynamic_section

    size = strings_at + len(strings)
    segments = [
        segment(PT_LOAD, READ | EXECUTE, 0, 0, size, 0x1000),
        segment(PT_LOAD, READ | WRITE, data, data, len(second), 0x1000),
        segment(PT_DYNAMIC, READ | WRITE, dynamic, dynamic, len(dynamic_section), 8),
        segment(PT_GNU_STACK, READ | WRITE, 0, 0, 0, 16),
    ]
    first = elf(3, 0, segments) + code + symbols + table + rela + strings
    return first.ljust(data, b"\0") + second


def macos_program() -> bytes:
    """A Mach-O arm64 executable that would return 0. It is unsigned, so macOS would not start it."""
    page, base = 0x4000, 0x100000000
    code = bytes.fromhex("00008052c0035fd6")  # mov w0, #0; ret
    code_at = page - len(code)

    def command(kind: int, body: bytes) -> bytes:
        body = body.ljust(-(-(len(body) + 8) // 8) * 8 - 8, b"\0")
        return struct.pack("<II", kind, len(body) + 8) + body

    def load(name: bytes, address: int, size: int, offset: int, length: int, protection: int, sections: bytes = b"") -> bytes:
        fields = struct.pack("<16sQQQQIIII", name, address, size, offset, length, protection, protection, len(sections) // 80, 0)
        return command(0x19, fields + sections)  # LC_SEGMENT_64

    text = struct.pack("<16s16sQQIIIIIIII", b"__text", b"__TEXT", base + code_at, len(code), code_at, 2, 0, 0, 0x80000400, 0, 0, 0)
    commands = [
        load(b"__PAGEZERO", 0, base, 0, 0, 0),
        load(b"__TEXT", base, page, 0, page, 5, text),
        load(b"__LINKEDIT", base + page, page, page, 0, 1),
        command(0x0E, struct.pack("<I", 12) + b"/usr/lib/dyld\0"),  # LC_LOAD_DYLINKER
        command(0x32, struct.pack("<IIII", 1, 0x000B0000, 0x000B0000, 0)),  # LC_BUILD_VERSION: macOS 11.0
        command(0x80000028, struct.pack("<QQ", code_at, 0)),  # LC_MAIN
        command(0x0C, struct.pack("<IIII", 24, 2, 0x054C0000, 0x00010000) + b"/usr/lib/libSystem.B.dylib\0"),  # LC_LOAD_DYLIB
    ]
    body = b"".join(commands)
    flags = 0x1 | 0x4 | 0x80 | 0x200000  # no undefined symbols, dyld, two-level names, position independent
    header = struct.pack("<IIIIIIII", 0xFEEDFACF, 0x0100000C, 0, 2, len(commands), len(body), flags, 0)
    return (header + body).ljust(code_at, b"\0") + code


if __name__ == "__main__":
    sys.exit(main())

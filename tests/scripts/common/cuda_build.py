"""Shared by the tests of compiled CUDA kernels: the build, its toolkit, and the tables of kernels/budgets.md."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "tools"))

from sass.disassembly import output  # noqa: E402

BUILD = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "build/release").resolve()
LIBRARY = BUILD / "libnotnot_cuda.a"
BUDGETS = (ROOT / "kernels" / "budgets.md").read_text()


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def cache(name):
    """A variable of the build's CMakeCache.txt; None when it has none."""
    match = re.search(rf"^{name}:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M)
    return match and match.group(1)


def nvcc():
    return cache("CUDAToolkit_NVCC_EXECUTABLE") or cache("CMAKE_CUDA_COMPILER")


def nvcc_version():
    return re.search(r"release (\d+\.\d+)", output(nvcc(), "--version")).group(1)


def documented_version():
    return re.search(r"CUDA (\d+\.\d+)", BUDGETS).group(1)


def architectures():
    return [f"sm_{number}" for number in cache("NOTNOT_CUDA_ARCHITECTURES").split(";")]


def table(markdown, title):
    """[cells of a row] of the table whose first column has that title; the first row is the titles."""
    lines = markdown[re.search(rf"^\| {re.escape(title)} \|", markdown, re.M).start():].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]


def number(cell):
    return int(cell.replace(",", ""))

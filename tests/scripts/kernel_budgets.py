#!/usr/bin/env python3
"""kernels/budgets.md against the kernels of this build, which cuobjdump reads in the library. Where there is no cuobjdump,
the device code is compiled once more, and nvcc and ptxas report the same: 40 seconds instead of one."""
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from common.cuda_build import (BUDGETS, BUILD, LIBRARY, ROOT, architectures, documented_version, nvcc, nvcc_version, skip,
                               table)
from sass.disassembly import find_cuobjdump, kernel_name, output

SOURCES = [*(ROOT / "kernels").glob("*.cu"), *(ROOT / "kernels/base").glob("*.cu")]
SLACK = 8  # registers by which the document may be above the truth
PERSISTENT = re.compile(r"bilstm: (forward|backward)_kernel<\d>|bilstm_tensor: (forward|backward)_kernel")


def usage_in_library(cuobjdump):
    """{(kernel, architecture): (registers, bytes of local memory, bytes of static shared memory)}"""
    usage, source, architecture, symbol = {}, None, None, None
    text = output(cuobjdump, "--dump-resource-usage", str(LIBRARY))
    for line in output("c++filt", input=text).splitlines():
        if match := re.match(r"member .*:(\w+)\.cu\.o:", line):
            source = match.group(1)
        elif match := re.match(r"arch = (\w+)", line):
            architecture = match.group(1)
        elif match := re.match(r" Function (.*):$", line):
            symbol = match.group(1)
        elif match := re.match(r"  REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)", line):
            registers, stack, shared, local = map(int, match.groups())
            # From sm_90 on, the count includes the driver's own kilobyte of every block that uses shared memory.
            reserved = 1024 if int(re.sub(r"\D", "", architecture)) >= 90 and shared >= 1024 else 0
            if name := kernel_name(source, symbol):
                usage[name, architecture] = (registers, stack + local, shared - reserved)
    return usage


def compilations():
    """[(source, the build's own command for it, the folder where it runs)]"""
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    paths = [pathlib.Path(entry["file"]) for entry in commands]
    return [(path.stem, shlex.split(entry["command"]), entry["directory"]) for path, entry in zip(paths, commands)
            if path in SOURCES]


def reported(command, folder):
    return subprocess.run(command, cwd=folder, check=True, text=True, stderr=subprocess.PIPE).stderr


def usage_by_ptxas():
    """As usage_in_library, but from the compiler."""
    usage = {}
    pattern = (r"Compiling entry function '(.*)' for '(\w+)'\n.*\n\s*(\d+) bytes stack frame.*\n"
               r".*Used (\d+) registers(?:.*?, (\d+) bytes smem)?")
    for source, command, folder in compilations():
        with tempfile.TemporaryDirectory() as scratch:
            command[command.index("-o") + 1] = f"{scratch}/device_code"
            command[command.index("-c")] = "-fatbin"
            report = output("c++filt", input=reported([*command, "-Xptxas=--verbose"], folder))
        for symbol, architecture, stack, registers, shared in re.findall(pattern, report):
            if name := kernel_name(source, symbol):
                usage[name, architecture] = (int(registers), int(stack), int(shared or 0))
    return usage


def images_in_library(cuobjdump):
    """{(source, "elf" or "ptx", architecture)} of the sources in kernels/ and kernels/base/."""
    listing = output(cuobjdump, "--list-elf", str(LIBRARY)) + output(cuobjdump, "--list-ptx", str(LIBRARY))
    return {(source, "ptx" if suffix == "ptx" else "elf", architecture)
            for source, architecture, suffix in re.findall(r"(\w+)\.(sm_\w+)\.(cubin|ptx)", listing)
            if source in {path.stem for path in SOURCES}}


def images_by_nvcc():
    """As images_in_library, but from nvcc, which says what it would put there."""
    return {(source, kind, f"sm_{number}") for source, command, folder in compilations()
            for kind, number in re.findall(r"kind=(\w+),sm=(\w+)", reported([*command, "--dryrun"], folder))}


def documented():
    """{kernel: ({architecture: registers}, bytes of dynamic shared memory)}"""
    titles, *cells = table(BUDGETS, "kernel")
    columns = [title.removeprefix("registers ") for title in titles if title.startswith("registers ")]
    rows = {row[0]: (dict(zip(columns, map(int, row[1:]))), int(row[1 + len(columns)])) for row in cells}
    if len(rows) != len(cells):
        raise ValueError("kernels/budgets.md has two rows for one kernel")
    return rows


class Budgets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cuobjdump = find_cuobjdump(nvcc())
        cls.version = nvcc_version()
        cls.architectures = architectures()
        cls.usage = usage_in_library(cls.cuobjdump) if cls.cuobjdump else usage_by_ptxas()
        cls.documented = documented()

    def test_every_kernel_has_a_row_and_every_row_a_kernel_on_every_architecture(self):
        expected = {(name, architecture) for name in self.documented for architecture in self.architectures}
        self.assertEqual(sorted(self.usage), sorted(expected))

    def test_registers(self):
        if self.version != documented_version():
            self.skipTest(f"kernels/budgets.md is for CUDA {documented_version()}, this is {self.version}")
        for (name, architecture), (registers, _, _) in self.usage.items():
            budget = self.documented.get(name, ({}, 0))[0].get(architecture)
            if budget is None:
                continue  # the test above names a missing row; the document has columns for the default architectures
            with self.subTest(name, architecture=architecture):
                self.assertLessEqual(registers, budget, "more than documented")
                self.assertLessEqual(budget, registers + SLACK, "less than documented: lower the number in budgets.md")

    def test_no_local_memory(self):
        for (name, architecture), (_, local, _) in self.usage.items():
            with self.subTest(name, architecture=architecture):
                self.assertEqual(local, 0, "bytes of local memory: spills, or an array indexed by a variable")

    def test_no_static_shared_memory(self):
        for (name, architecture), (_, _, shared) in self.usage.items():
            with self.subTest(name, architecture=architecture):
                self.assertEqual(shared, 0, "bytes: use dynamic_shared (kernels/base/launch.cuh)")

    def test_only_persistent_kernels_take_more_than_64_registers(self):
        persistent = {name for name, _ in self.usage if PERSISTENT.fullmatch(name)}
        self.assertEqual(len(persistent), 8)
        for (name, architecture), (registers, _, _) in self.usage.items():
            if name not in persistent:
                with self.subTest(name, architecture=architecture):
                    self.assertLessEqual(registers, 64)

    def test_dynamic_shared_memory_is_asserted_in_the_source(self):
        for name, (_, size) in self.documented.items():
            (source,) = [path.read_text() for path in SOURCES if path.stem == name.split(":")[0]]
            with self.subTest(name):
                if size == 0:
                    kernel = re.escape(re.sub(r".*: |<.*", "", name))
                    body = re.search(rf"\b{kernel}\(.*?^}}", source, re.M | re.S).group()
                    self.assertFalse("dynamic_shared" in body, "the kernel uses dynamic shared memory")
                else:
                    asserted = f"{size:,}".replace(",", "'")
                    self.assertTrue(re.search(rf"static_assert\([^;]*== {asserted}\b", source), f"no == {asserted}")

    def test_code_of_every_architecture_and_ptx_of_the_first(self):
        images = images_in_library(self.cuobjdump) if self.cuobjdump else images_by_nvcc()
        sources = [path.stem for path in SOURCES]
        kinds = [("elf", architecture) for architecture in self.architectures] + [("ptx", self.architectures[0])]
        self.assertEqual(sorted(images), sorted((source, *kind) for source in sources for kind in kinds))


if __name__ == "__main__":
    if not LIBRARY.exists():
        skip("this build has no CUDA library")
    if not shutil.which("c++filt"):
        skip("no c++filt here to read the names of kernels")
    os.environ["LC_ALL"] = "C"
    unittest.main(argv=["kernel_budgets"])

#!/usr/bin/env python3
"""The tools that a fresh clone starts with: tools/bootstrap with stand-ins for dpkg-query, apt-get, sudo and id, tools/build
with stand-ins for tools/bootstrap and cmake, and tools/demo with stand-ins for tools/build and notnot. The stand-ins log
their calls."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
TOOL = TOOLS / "bootstrap"
COMMANDS = ("bash", "env", "cat", "sed", "sort", "head", "grep")
STAND_INS = {
    "dpkg-query": 'for package; do :; done; [[ " $INSTALLED " == *" $package "* ]] && echo -n installed',
    "apt-get": 'echo "apt-get $*" >> "$CALLS"',
    "sudo": 'echo "sudo" >> "$CALLS"; "$@"',
    "id": 'echo "$USER_ID"',
    "g++": 'echo "#define __GNUC__ ${GCC:-12}"',
    "cmake": 'echo "cmake version ${CMAKE:-3.25.1}"',
    "ninja": "", "git": "", "python3": "", "gnuplot": "",
}
CHECKERS = {
    "clang-format": "", "clang-tidy": "", "shellcheck": "", "clang++": "",
    "pip3": 'echo "pip3 $*" >> "$CALLS"',
}
LIBRARIES = ("libfmt-dev nlohmann-json3-dev libcli11-dev libicu-dev libdnnl-dev ocl-icd-opencl-dev "
             "libcsv-dev libssl-dev zlib1g-dev doctest-dev").split()


class Bootstrap(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.bin, self.calls = self.folder / "bin", self.folder / "calls"
        self.bin.mkdir()
        self.tool = self.folder / "clone" / "tools" / "bootstrap"
        self.tool.parent.mkdir(parents=True)
        shutil.copy(TOOL, self.tool)
        for command in COMMANDS:
            (self.bin / command).symlink_to(shutil.which(command))
        self.stand_in(STAND_INS)
        self.system("debian", "12")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def stand_in(self, commands):
        for name, body in commands.items():
            (self.bin / name).write_text(f"#!{shutil.which('bash')}\n{body}\n")
            (self.bin / name).chmod(0o755)

    def system(self, name, version):
        (self.folder / "os-release").write_text(f'ID={name}\nVERSION_ID="{version}"\n')

    def bootstrap(self, *arguments, without=(), user=0, **environment):
        installed = " ".join(library for library in LIBRARIES if library not in without)
        environment = {"PATH": str(self.bin), "NOTNOT_OS_RELEASE": str(self.folder / "os-release"), "CXX": "g++",
                       "INSTALLED": installed, "CALLS": str(self.calls), "USER_ID": str(user), **environment}
        result = subprocess.run([shutil.which("bash"), self.tool, *arguments], env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        calls = self.calls.read_text().splitlines() if self.calls.exists() else []
        return result.returncode, result.stdout, calls

    def test_touches_nothing_when_all_is_there(self):
        for name, version in (("debian", "12"), ("ubuntu", "22.04"), ("ubuntu", "24.04")):
            self.system(name, version)
            self.assertEqual(self.bootstrap(user=1000), (0, "", []))

    def test_installs_only_what_is_missing(self):
        status, output, calls = self.bootstrap(without=("libcsv-dev", "libicu-dev"))
        self.assertEqual(status, 0, output)
        self.assertEqual(calls, ["apt-get update -q", "apt-get install -y --no-install-recommends libicu-dev libcsv-dev"])
        self.assertIn("libcsv-dev           CSV files", output)

    def test_missing_command(self):
        (self.bin / "ninja").unlink()
        self.assertIn("ninja-build", self.bootstrap()[2][-1])

    def test_sudo_only_for_an_ordinary_user(self):
        self.assertEqual(self.bootstrap(without=("libcsv-dev",), user=1000)[2][0], "sudo")
        self.calls.unlink()
        (self.bin / "sudo").unlink()
        status, output, calls = self.bootstrap(without=("libcsv-dev",), user=1000)
        self.assertEqual((status, calls), (1, []))
        self.assertIn("Ask an administrator to run: apt-get install libcsv-dev", output)

    def test_check_installs_nothing(self):
        self.assertEqual(self.bootstrap("--check")[0], 0)
        status, output, calls = self.bootstrap("--check", without=("libcsv-dev",))
        self.assertEqual((status, calls), (1, []))
        self.assertIn("libcsv-dev", output)

    def test_options_ask_for_more(self):
        for option, package in (("--download", "ca-certificates"), ("--simt", "libboost-context-dev"), ("--presets", "ccache")):
            status, output, calls = self.bootstrap(option)
            self.assertEqual((status, calls[-1].split()[-1]), (0, package), output)
        self.stand_in({"pip3": CHECKERS["pip3"]})
        status, output, calls = self.bootstrap("--checks")
        self.assertEqual((status, calls[-2].split()[-5:]), (0, "clang-format clang-tidy shellcheck clang libclang-rt-14-dev".split()),
                         output)

    def test_disassembler(self):
        """A toolkit may have it; otherwise it comes from Python packages, once."""
        self.stand_in(CHECKERS)
        there = {"INSTALLED": " ".join([*LIBRARIES, "libclang-rt-14-dev"])}
        self.assertEqual(self.bootstrap(**there), (0, "", []))
        status, output, calls = self.bootstrap("--check", "--checks", **there)
        self.assertEqual((status, calls), (1, []))
        self.assertIn("CUDA's disassembler", output)
        folder = self.folder / "clone" / "tools" / ".." / "build" / "cuda_tools"
        status, output, calls = self.bootstrap("--checks", **there)
        self.assertEqual((status, calls), (0, [
            f"pip3 install --quiet --disable-pip-version-check --no-deps --upgrade --target {folder} nvidia-cuda-cuobjdump "
            "nvidia-cuda-nvdisasm"]), output)
        self.calls.unlink()
        (self.folder / "clone" / "build" / "cuda_tools" / "nvidia" / "cu13" / "bin").mkdir(parents=True)
        (folder / "nvidia" / "cu13" / "bin" / "nvdisasm").touch()
        self.assertEqual(self.bootstrap("--checks", **there), (0, "", []))
        shutil.rmtree(self.folder / "clone" / "build")
        self.stand_in({"cuobjdump": "", "nvdisasm": ""})
        self.assertEqual(self.bootstrap("--checks", **there), (0, "", []))
        (self.bin / "nvdisasm").unlink()
        self.stand_in({"pip3": "exit 1"})
        self.assertEqual(self.bootstrap("--checks", **there)[0], 1)

    def test_failed_refresh(self):
        self.stand_in({"apt-get": '[[ $1 != update ]]'})
        self.assertNotEqual(self.bootstrap(without=("libcsv-dev",))[0], 0)

    def test_failed_installation(self):
        (self.bin / "apt-get").write_text("#!/bin/sh\nexit 100\n")
        self.assertNotEqual(self.bootstrap(without=("libcsv-dev",))[0], 0)

    def test_other_system(self):
        self.system("fedora", "41")
        status, output, calls = self.bootstrap(without=LIBRARIES)
        self.assertEqual((status, calls), (0, []))
        self.assertIn("libdnnl-dev", output)

    def test_too_old(self):
        status, output, _ = self.bootstrap(CMAKE="3.18.4")
        self.assertEqual(status, 1)
        self.assertIn("CMake 3.22 or newer is needed", output)
        status, output, _ = self.bootstrap(GCC="10")
        self.assertEqual(status, 1)
        self.assertIn("g++ is GCC 10", output)


class Tree(unittest.TestCase):
    """One tool in a tree of its own, beside stand-ins."""

    def setUp(self):
        self.tree = pathlib.Path(tempfile.mkdtemp(prefix="notnot-test-"))
        (self.tree / "tools").mkdir()

    def tearDown(self):
        shutil.rmtree(self.tree)

    def stand_in(self, name, body):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!{shutil.which('bash')}\n{body}\n")
        path.chmod(0o755)

    def run_tool(self, name, *arguments, **environment):
        """Exit code, output, logged calls."""
        shutil.copy(TOOLS / name, self.tree / "tools")
        calls = self.tree / "calls"
        calls.unlink(missing_ok=True)
        environment = {**os.environ, "PATH": f"{self.tree / 'bin'}:{os.environ['PATH']}", "CALLS": str(calls), **environment}
        result = subprocess.run([self.tree / "tools" / name, *arguments], env=environment, text=True, timeout=60,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout, calls.read_text().splitlines() if calls.exists() else []


class Build(Tree):
    def setUp(self):
        super().setUp()
        self.stand_in("tools/bootstrap", 'echo "bootstrap $*" >> "$CALLS"')
        self.stand_in("bin/cmake", 'echo "cmake $*" >> "$CALLS"; echo "-- CUDA backend: none"; [[ $* != *"${FAIL:-nothing}"* ]]')

    def test_a_preset(self):
        status, output, calls = self.run_tool("build")
        self.assertEqual((status, calls), (0, ["bootstrap ", "cmake --preset release", "cmake --build --preset release"]), output)
        self.assertEqual((self.tree / "build/release/configure.log").read_text(), "-- CUDA backend: none\n")
        self.assertEqual(self.run_tool("build", "simt-tsan")[2],
                         ["bootstrap --simt", "cmake --preset simt-tsan", "cmake --build --preset simt-tsan"])

    def test_some_targets(self):
        self.assertEqual(self.run_tool("build", "cpu-only", "notnot")[2][1:],
                         ["cmake --preset cpu-only", "cmake --build --preset cpu-only --target notnot"])
        self.assertEqual(self.run_tool("build", "release", "notnot", "growth")[2][-1],
                         "cmake --build --preset release --target notnot growth")

    def test_a_failure_ends_it(self):
        status, _, calls = self.run_tool("build", FAIL="--preset release")
        self.assertEqual((status, calls[1:]), (1, ["cmake --preset release"]))
        self.assertEqual(self.run_tool("build", FAIL="--build")[0], 1)

    def test_help(self):
        status, output, calls = self.run_tool("build", "--help")
        self.assertEqual((status, calls), (0, []))
        self.assertIn("usage: tools/build [PRESET [TARGET ...]]", output)


class Demo(Tree):
    def setUp(self):
        super().setUp()
        self.stand_in("tools/build", 'echo "build $*" >> "$CALLS"')
        self.stand_in("build/release/notnot", """
            echo "notnot $*" >> "$CALLS"
            while (($#)) && [[ $1 != --runs ]]; do shift; done
            (($# == 0)) || { mkdir -p "$2/run" && touch "$2/run/result.json"; }""")

    def test_builds_the_program_only_and_trains_twice(self):
        status, output, calls = self.run_tool("demo", "--dataset", "planted", NOTNOT_RUNS="runs")
        self.assertEqual((status, calls), (0, [
            "build release notnot",
            *(f"notnot train --seed 10 --attention {attention} --runs runs/dataset_planted-{attention} --resume --dataset planted"
              for attention in ("learned", "uniform")),
            "notnot report runs/dataset_planted-learned/run runs/dataset_planted-uniform/run --out runs/dataset_planted-report"]),
            output)

    def test_data_and_word_vectors(self):
        for name in ("sst/sst_dataset.csv", "vectors/a.vec"):
            (self.tree / "corpora" / name).parent.mkdir(parents=True)
            (self.tree / "corpora" / name).touch()
        _, output, calls = self.run_tool("demo", NOTNOT_DATA="corpora")
        self.assertIn(" --dataset sst --vectors corpora/vectors/a.vec --seed 10 ", calls[1], output)

    def test_no_data_and_no_network(self):
        self.stand_in("tools/get_data", 'echo "get_data $*" >> "$CALLS"; exit 1')
        status, output, calls = self.run_tool("demo", NOTNOT_DATA="")
        self.assertEqual((status, calls[1]), (0, f"get_data sst --to {self.tree.resolve()}/data"), output)
        self.assertIn("SST could not be downloaded. The demo trains on the built-in planted corpus instead.", output)
        self.assertIn(" --dataset planted --seed 10 ", calls[2])

    def test_options_of_its_own(self):
        status, output, calls = self.run_tool("demo", "--runs=mine")
        self.assertEqual((status, calls), (2, []))
        self.assertIn("tools/demo: the demo itself sets --runs; leave it out", output)


if __name__ == "__main__":
    unittest.main(argv=["bootstrap"])

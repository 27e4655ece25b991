#!/usr/bin/env python3
"""tools/bootstrap with dpkg-query, apt-get, sudo and id replaced by stand-ins that log their calls."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "bootstrap"
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
LIBRARIES = ("libfmt-dev nlohmann-json3-dev libcli11-dev libicu-dev libdnnl-dev ocl-icd-opencl-dev "
             "libcsv-dev libssl-dev doctest-dev").split()


class Bootstrap(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.bin, self.calls = self.folder / "bin", self.folder / "calls"
        self.bin.mkdir()
        for command in COMMANDS:
            (self.bin / command).symlink_to(shutil.which(command))
        for name, body in STAND_INS.items():
            (self.bin / name).write_text(f"#!{shutil.which('bash')}\n{body}\n")
            (self.bin / name).chmod(0o755)
        self.system("debian", "12")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def system(self, name, version):
        (self.folder / "os-release").write_text(f'ID={name}\nVERSION_ID="{version}"\n')

    def bootstrap(self, *arguments, without=(), user=0, **environment):
        installed = " ".join(library for library in LIBRARIES if library not in without)
        environment = {"PATH": str(self.bin), "NOTNOT_OS_RELEASE": str(self.folder / "os-release"), "CXX": "g++",
                       "INSTALLED": installed, "CALLS": str(self.calls), "USER_ID": str(user), **environment}
        result = subprocess.run([shutil.which("bash"), TOOL, *arguments], env=environment, text=True,
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


if __name__ == "__main__":
    unittest.main(argv=["bootstrap"])

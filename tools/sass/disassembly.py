"""Machine code of compiled kernels, as cuobjdump prints it, with the fields that ptxas wrote for the hardware."""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHEELS = ROOT / "build" / "cuda_tools"  # where tools/bootstrap --checks installs NVIDIA's Python packages


@dataclasses.dataclass(frozen=True)
class Instruction:
    """An instruction of 128 bits. Its upper half also tells the hardware when the warp may go on; the fields are those of
    Volta (Jia et al., "Dissecting the NVIDIA Volta GPU architecture via microbenchmarking", arXiv 1804.06826, section
    2.1), which later architectures kept. A warp has six scoreboards, counters of what is on its way."""
    address: int
    predicate: str  # "@!P0", or empty
    opcode: str     # "LDS.128"
    operands: str
    stall: int      # clocks until the warp may issue its next instruction
    writes: int     # scoreboard that is held until the result is written; NONE: no scoreboard
    reads: int      # scoreboard that is held until the operands are read
    waits: tuple    # scoreboards that have to be free before this instruction

    NONE = 7

    @property
    def name(self):
        return self.opcode.split(".")[0]

    @property
    def target(self):
        """The address that a branch or a call goes to; None for every other instruction."""
        match = re.search(r"\b0x([0-9a-f]+)$", self.operands) if self.name in ("BRA", "CALL") else None
        return match and int(match.group(1), 16)


TEXT = re.compile(r"\s+/\*([0-9a-f]{4,})\*/\s+(?:(@!?U?P\w+)\s+)?(\S+)\s*(.*?)\s*;\s*/\* 0x[0-9a-f]{16} \*/")
UPPER_HALF = re.compile(r"\s+/\* 0x([0-9a-f]{16}) \*/")


def instruction(text, upper):
    """From a match of TEXT and the upper half of the encoding."""
    address, predicate, opcode, operands = text.groups("")
    return Instruction(int(address, 16), predicate, opcode, operands, stall=upper >> 41 & 15, writes=upper >> 46 & 7,
                       reads=upper >> 49 & 7, waits=tuple(k for k in range(6) if upper >> 52 + k & 1))


def parse(listing):
    """{(kernel, architecture): its instructions} of the text that `cuobjdump --dump-sass` prints, demangled."""
    kernels, source, architecture, code, pending = {}, "", "", [], None
    for line in listing.splitlines():
        if match := TEXT.match(line):
            pending = match
        elif pending and (match := UPPER_HALF.match(line)):
            code.append(instruction(pending, int(match.group(1), 16)))
            pending = None
        elif match := re.match(r"identifier = (?:.*/)?(\w+)\.cu$", line):
            source = match.group(1)
        elif match := re.match(r"arch = (\w+)", line):
            architecture = match.group(1)
        elif match := re.match(r"\s+Function : (.*)", line):
            code = []
            if name := kernel_name(source, match.group(1)):
                kernels[name, architecture] = code
    return kernels


def kernel_name(source, symbol):
    """`bilstm: forward_kernel<1>`; None for a kernel that is not ours."""
    name = re.match(r"(?:void )?notnot::cuda::\(anonymous namespace\)::(\w+(?:<.*?>)?)\(", symbol)
    return name and f"{source}: {name.group(1)}"


def find_cuobjdump(nvcc):
    """cuobjdump beside nvcc, on PATH or among the Python packages, with nvdisasm beside it, which it calls; or None."""
    on_path = shutil.which("cuobjdump")
    folders = [pathlib.Path(tool).resolve().parent for tool in (nvcc, on_path) if tool]
    for packages in (WHEELS, *map(pathlib.Path, sys.path)):
        folders += sorted(packages.glob("nvidia/*/bin"), reverse=True)
    return next((str(folder / "cuobjdump") for folder in folders
                 if (folder / "cuobjdump").exists() and (folder / "nvdisasm").exists()), None)


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


def disassemble(cuobjdump, file):
    """As parse(), of a library or object file."""
    environment = {**os.environ, "LC_ALL": "C"}
    return parse(output("c++filt", input=output(cuobjdump, "--dump-sass", str(file), env=environment)))

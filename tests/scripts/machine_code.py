#!/usr/bin/env python3
"""The machine code of the kernels that latency bounds, without a GPU: the loop over their steps has the form that the
sources promise, and the modelled clocks of a step are those that the documents name. The model (tools/sass) is tested on
made-up code whose clocks are counted by hand. Without a disassembler only that runs."""
import dataclasses
import re
import shutil
import sys
import unittest

from common.cuda_build import (BUDGETS, LIBRARY, ROOT, architectures, documented_version, number, nvcc, nvcc_version, skip,
                               table)
from sass import disassembly, loops, model

TOLERANCE = 0.03  # by which documents and model may differ: the order in which warps take turns has as much effect
KERNELS = (ROOT / "kernels" / "README.md").read_text()


# --- made-up code

LINE = re.compile(r"(\d+)(?: w(\d))?(?: r(\d))?(?: b(\d+))? +(?:(@!?P\d) )?(\S+) ?(.*)")


def code(*lines):
    """Instructions 16 bytes apart, each a line `STALL wWRITES rREADS bWAITS OPCODE OPERANDS`."""
    found = []
    for place, line in enumerate(lines):
        stall, writes, reads, waits, predicate, opcode, operands = LINE.fullmatch(line).groups()
        found.append(disassembly.Instruction(16 * place, predicate or "", opcode, operands, int(stall), int(writes or 7),
                                             int(reads or 7), tuple(map(int, waits or ""))))
    return found


def clocks(*lines, warps=1, **options):
    return model.clocks_per_pass(code(*lines), warps, **options)


class Model(unittest.TestCase):
    """A loop ends with its last instruction's stall count; then its first instruction may be issued again."""

    def test_a_chain_takes_its_stall_counts(self):
        chain = ["4 FFMA R1, R1, R2, R3"] * 5
        self.assertEqual(clocks(*chain), 20)
        self.assertEqual(clocks(*chain, warps=16), 20)  # a scheduler's four warps take turns
        self.assertEqual(clocks(*chain, warps=24), 40)  # the fifth and the sixth wait until these are done

    def test_a_scheduler_issues_one_instruction_per_clock(self):
        self.assertEqual(clocks(*["1 FFMA R1, R1, R2, R3"] * 10, warps=8), 20)
        self.assertEqual(clocks(*["1 FFMA R1, R1, R2, R3"] * 10, warps=4), 10)

    def test_units_that_take_longer(self):
        for line, busy in (("1 IADD3 R1, R2, R3, RZ", 2), ("1 IMAD R1, R2, R3, RZ", 2), ("1 HMMA.16816 R1, R2, R3, R4", 6),
                           ("1 MUFU.RCP R1, R2", 8)):
            with self.subTest(line):
                self.assertEqual(clocks(*[line] * 10, warps=8), 2 * 10 * busy)
        # Both units work at the same time.
        self.assertEqual(clocks(*["1 IADD3 R1, R2, R3, RZ", "1 FFMA R4, R5, R6, R7"] * 10, warps=8), 40)

    def test_three_registers_in_one_bank(self):
        self.assertEqual(clocks("1 FFMA R1, R2, R4, R6"), 2)
        for operands in ("R1, R2, R4, R7", "R1, R2, R4, R4", "R1, R2, R4.reuse, R6", "R1, R2, R4, RZ"):
            self.assertEqual(clocks(f"1 FFMA {operands}"), 1, operands)

    def test_a_wait_for_shared_memory(self):
        # Issued at 0, in the load-store unit at 4, there 23 and a clock per wavefront later.
        for opcode, arrives in (("LDS", 28), ("LDS.64", 29), ("LDS.128", 31), ("SHFL.BFLY", 27)):
            self.assertEqual(clocks(f"1 w0 {opcode} R1, [R2]", "4 b0 FADD R1, R1, R2"), arrives + 4, opcode)

    def test_a_wait_for_a_register_that_is_read(self):
        self.assertEqual(clocks("1 r0 STS [R2], R1", "4 b0 MOV R1, R3"), 4 + 6 + 4)

    def test_a_wait_for_a_root(self):
        self.assertEqual(clocks("1 w0 MUFU.SQRT R1, R2", "4 b0 FADD R1, R1, R2"), 22 + 4)

    def test_a_wait_for_global_memory(self):
        lines = "1 w5 LDG.E R1, [R2.64]", "4 b5 FADD R1, R1, R2"
        self.assertEqual(clocks(*lines), 4 + 300 + 4)
        self.assertEqual(clocks(*lines, global_load=model.L1), 4 + 35 + 4)
        # The same load, used a pass later: the pass takes the longer of its work and the load.
        work = ["1 FFMA R4, R4, R5, R6"] * 400
        self.assertEqual(clocks("1 b5 FADD R3, R1, R2", "1 w5 LDG.E R1, [R2.64]", *work), 402)
        self.assertEqual(clocks("1 b5 FADD R3, R1, R2", "1 w5 LDG.E R1, [R2.64]", *work[:99]), 1 + 4 + 300)

    def test_all_warps_share_the_load_store_unit(self):
        self.assertEqual(clocks(*["1 LDS.128 R4, [R2]"] * 10, warps=8), 8 * 10 * 4)
        self.assertEqual(clocks(*["1 LDS.128 R4, [R2]", *["1 FFMA R1, R1, R2, R3"] * 7] * 10, warps=4), 10 * 4 * 4)

    def test_a_full_queue(self):
        scheduler = model.Scheduler([model.Warp()])
        shared, root, other = (model.Step.of(i, i, model.L2)
                               for i in code("1 LDS R1, [R2]", "1 MUFU.RCP R1, R2", "1 FFMA R1, R1, R2, R3"))
        scheduler.queue = list(range(20, 29))  # when its nine instructions leave it
        self.assertEqual([scheduler.earliest(scheduler.last, step) for step in (shared, root, other)], [0, 0, 0])
        scheduler.queue = list(range(20, 30))
        self.assertEqual([scheduler.earliest(scheduler.last, step) for step in (shared, root, other)], [20, 20, 0])

    def test_a_barrier_waits_for_the_last_warp(self):
        self.assertEqual(clocks("1 BAR.SYNC 0x0"), 22)
        # Both warps of a scheduler have 10 instructions: the second arrives at 19 + 1.
        self.assertEqual(clocks(*["1 FFMA R1, R1, R2, R3"] * 9, "1 BAR.SYNC 0x0", warps=8), 19 + 22)

    def test_clocks_end_with_the_slowest_warp(self):
        # The first of three warps comes first whenever it can; all three have to get through.
        self.assertEqual(clocks(*["1 MUFU.RCP R1, R2"] * 4, warps=12, passes=50), 3 * 4 * 8)

    def test_an_instruction_without_a_rule(self):
        with self.assertRaisesRegex(model.Unknown, "no rule for WGMMA.64"):
            clocks("1 WGMMA.64 R1, R2")


# --- reading

LISTING = """
identifier = ../../kernels/adam.cu
arch = sm_90a
\t\tFunction : notnot::cuda::(anonymous namespace)::adam_step_kernel(int)
        /*0000*/                   LDG.E.CONSTANT R13, [R2.64] ;               /* 0x00000006020d7981 */
                                                                               /* 0x001ea4000c1e9900 */
        /*0010*/              @!P0 BRA 0x1f0 ;                                 /* 0x0000033000001947 */
                                                                               /* 0x024fea0003800000 */
        /*0020*/                   EXIT ;                                      /* 0x000000000000894d */
                                                                               /* 0x000fea0003800000 */
\t\tFunction : somebody::kernel(int)
        /*0000*/                   EXIT ;                                      /* 0x000000000000894d */
                                                                               /* 0x000fea0003800000 */
"""


class Reading(unittest.TestCase):
    def test_a_listing(self):
        """From the upper half: four bits of reuse flags (and two of others), six of the scoreboards that are waited for,
        three for reads, three for writes, one to yield, four of the stall count, and 41 of the instruction."""
        self.assertEqual(disassembly.parse(LISTING), {("adam: adam_step_kernel", "sm_90a"): [
            # 0x001ea4 = 000000 000001 111 010 1 0010 0: waits for 0, no reads, writes 2, stall 2
            disassembly.Instruction(0x00, "", "LDG.E.CONSTANT", "R13, [R2.64]", 2, 2, 7, (0,)),
            # 0x024fea = 000000 100100 111 111 1 0101 0: waits for 2 and 5, no reads, no writes, stall 5
            disassembly.Instruction(0x10, "@!P0", "BRA", "0x1f0", 5, 7, 7, (2, 5)),
            disassembly.Instruction(0x20, "", "EXIT", "", 5, 7, 7, ())]})

    def test_the_target_of_a_branch(self):
        for line, target in (("5 @P0 BRA 0x20", 0x20), ("5 BRA P1, 0x30", 0x30), ("5 CALL.REL.NOINC 0x40", 0x40),
                             ("5 MOV R1, 0x40", None), ("5 BRX R2 -0x50", None)):
            self.assertEqual(code(line)[0].target, target, line)


# --- step loops

WORK = ["1 FFMA R1, R1, R2, R3"] * 20
GOOD = [*WORK, "4 b5 FADD R4, R4, R5", "4 BAR.SYNC 0x0", "1 w5 r0 LDG.E R4, [R6.64]", "5 @P0 BRA 0x0", "5 EXIT"]
SPEC = loops.StepLoop("", "FFMA", 20)


def loop(*lines, **options):
    return loops.Loop(dataclasses.replace(SPEC, **options), code(*lines))


class StepLoops(unittest.TestCase):
    def check(self, lines, *faults, **options):
        self.assertEqual(loop(*lines, **options).faults(), list(faults))

    def test_a_good_one(self):
        self.check(GOOD)
        self.assertEqual([share for share, _, _ in loop(*GOOD).least_ahead()], [1])

    def test_an_end_in_two_jumps(self):
        for jump in ("CALL.REL.NOINC", "BRA"):
            self.check([*GOOD[:-2], f"1 @P0 {jump} {16 * 25:#x}", "5 BRA 0x0", "5 EXIT"])

    def test_none(self):
        with self.assertRaisesRegex(LookupError, "no loop with 20 FFMA"):
            loop(*GOOD[1:])

    def test_the_innermost_one_with_the_product(self):
        found = loop("1 MOV R1, R2", "5 @P1 BRA 0x0", *GOOD[:-2], "5 @P0 BRA 0x20", "5 BRA 0x0", "5 EXIT")
        self.assertEqual((found.path[0].address, len(found.path)), (0x20, len(GOOD) - 1))

    def test_loads_that_are_used_in_the_same_step(self):
        late = [*GOOD[:-2], "4 b5 MOV R7, R4", *GOOD[-2:]]
        self.check(late, "1 loads are waited for at 0x170 (MOV), 0% of the product behind them, not 65%")
        self.check(late, ahead=False)

    def test_loads_that_are_waited_for_during_the_next_product(self):
        wait = "4 b5 FADD R4, R4, R5"
        self.check([wait, *WORK, *GOOD[21:]], "1 loads are waited for at 0x0 (FADD), 0% of the product behind them, not 65%")
        self.check([*WORK[:12], wait, *WORK[12:], *GOOD[21:]],
                   "1 loads are waited for at 0xc0 (FADD), 60% of the product behind them, not 65%")
        self.check([*WORK[:13], wait, *WORK[13:], *GOOD[21:]])

    def test_another_load_with_the_same_scoreboard(self):
        self.check([*WORK[:4], "1 w5 LDS R8, [R9]", "4 b5 MOV R8, R8", *GOOD[4:]],
                   "1 loads are waited for at 0x50 (MOV), 20% of the product behind them, not 65%")

    def test_a_wait_of_its_own(self):
        self.check(["4 DEPBAR.LE SB5, 0x0", *GOOD],
                   "1 loads are waited for at 0x0 (DEPBAR.LE), 0% of the product behind them, not 65%")

    def test_branches(self):
        skip_one = [*GOOD[:5], "5 @P1 BRA 0x70", "1 MOV R8, R9", *GOOD[5:]]
        faults = "1 branches in the step loop, not 0", "1 jumps into the middle of the step loop"
        self.check(skip_one, *faults)
        self.check(skip_one, branches=1)
        self.check([*GOOD, "5 BRA 0x50"], faults[1])
        self.check([*GOOD[:5], "5 @P1 EXIT", *GOOD[5:]], faults[0])

    def test_calls(self):
        self.check([*GOOD[:5], "5 CALL.REL.NOINC 0x8000", *GOOD[5:]], "1 calls in the step loop")
        self.check([*GOOD[:5], "5 @P1 BRA 0x70", "5 CALL.REL.NOINC 0x8000", *GOOD[5:]], "1 calls in the step loop", branches=1)

    def test_local_memory(self):
        self.check([*GOOD, "1 w0 LDL R1, [R2]"], "1 accesses to local memory in the kernel")

    def test_the_path_leaves_out_what_is_rare(self):
        """A branch over a call or an inner loop is taken, another is not."""
        for rare, executed in (("5 CALL.REL.NOINC 0x8000", 1), ("5 @P2 BRA 0x60", 1), ("1 MOV R8, R9", 3)):
            lines = [*GOOD[:5], "5 @P1 BRA 0x80", "1 MOV R8, R9", rare, *GOOD[5:]]
            self.assertEqual(len(loop(*lines, branches=1).path), len(GOOD) - 1 + executed, rare)

    def test_steps(self):
        found = loop(*GOOD[:-2], *["1 MUFU.RCP R1, R2"] * 4, *GOOD[-2:], step="MUFU.RCP", warps=4)
        self.assertEqual(found.steps(), 4)
        self.assertEqual(found.clocks_per_step() * 4, model.clocks_per_pass(found.path, 4))


# --- this build

def why_not():
    """Why this build's kernels cannot be read; None if they can."""
    if not LIBRARY.exists():
        return "this build has no CUDA library"
    if not shutil.which("c++filt"):
        return "no c++filt here to read the names of kernels"
    if disassembly.find_cuobjdump(nvcc()) is None:
        return "no cuobjdump with nvdisasm here; tools/bootstrap --checks installs them"
    return None


def numbers_in(file, pattern):
    """What the groups of the pattern match in a file, as numbers."""
    text = re.sub(r"\n *// ", " ", (ROOT / file).read_text())
    match = re.search(pattern, text)
    if match is None:
        raise AssertionError(f"{file} has no `{pattern}`: name the place of its clocks in {__file__}")
    return [number(group) for group in match.groups()]


N = r"([\d,]+\d)"


class Kernels(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        code_of = disassembly.disassemble(disassembly.find_cuobjdump(nvcc()), LIBRARY)
        cls.found = {(spec.title, architecture): loops.Loop(spec, code_of[spec.kernel, architecture], architecture)
                     for spec in loops.STEP_LOOPS for architecture in architectures()}
        cls.is_documented = nvcc_version() == documented_version() and "sm_90a" in architectures()
        cls.clocks = {spec.title: cls.found[spec.title, "sm_90a"].clocks_per_step()
                      for spec in loops.STEP_LOOPS} if cls.is_documented else {}

    def setUp(self):
        if "clocks" in self._testMethodName and not self.is_documented:
            self.skipTest(f"clocks are documented for CUDA {documented_version()} and sm_90a; this is {nvcc_version()} with "
                          f"{', '.join(architectures())}")

    def check_near(self, documented, modelled):
        if abs(documented - modelled) > TOLERANCE * modelled:
            self.fail(f"documented {documented}, modelled {modelled:.0f}")

    def test_form_of_the_step_loops(self):
        for (title, architecture), loop_ in self.found.items():
            with self.subTest(title, architecture=architecture):
                if faults := loop_.faults():
                    self.fail("\n" + "\n".join(faults))

    def test_an_exception_is_still_needed(self):
        for (title, architecture), loop_ in self.found.items():
            if not loop_.spec.ahead:
                with self.subTest(title, architecture=architecture):
                    self.assertLess(min(share for share, _, _ in loop_.least_ahead()), loops.LEAST_SHARE,
                                    "its loads arrive in time by now: remove ahead=False in tools/sass/loops.py")

    def test_clocks_in_budgets(self):
        rows = {row[0]: list(map(number, row[1:4])) for row in table(BUDGETS, "step loop")[1:]}
        self.assertEqual(list(rows), list(self.clocks))
        for title, (documented, floor, target) in rows.items():
            with self.subTest(title):
                self.check_near(documented, self.clocks[title])
                self.assertLessEqual(floor, documented)
                self.assertLessEqual(documented, target)

    def test_clocks_elsewhere(self):
        forward, backward = ([self.clocks[f"bilstm: {direction}_kernel<{s}>"] for s in (1, 2, 4)]
                             for direction in ("forward", "backward"))
        tensor = [self.clocks[f"bilstm_tensor: {direction}_kernel"] for direction in ("forward", "backward")]
        groups_of_four = [2 * forward[2], 2 * backward[2]]  # what eight sequences take in fp32
        replay = [self.clocks[f"adam: adam_replay_kernel, {warps} warps, scalars in {cache}"]
                  for cache in ("L1", "L2") for warps in (4, 12)]
        rows = [rf"`{direction}_kernel<{s}>`" for direction in ("forward", "backward") for s in (1, 2, 4)]
        for file, pattern, modelled in (
                ("kernels/bilstm.cu", rf"forward {N}, {N}, {N} and backward {N}, {N}, {N} clocks", forward + backward),
                ("kernels/bilstm_tensor.cu", rf"gives {N} and {N} clocks, [^.]* take {N} and {N}\.",
                 tensor + groups_of_four),
                ("kernels/adam.cu", rf"{N} clocks a step with 4 warps on an SM and {N} with 12; [^.,]*, {N} and {N},", replay),
                ("bench/notes.md", rf"\| bf16x3, forward \|.*\| {N} \|\n\| bf16x3, backward \|.*\| {N} \|", tensor),
                ("bench/notes.md", rf"\| forward, sm_90 \|.*\| {N} \| {N} \|", [tensor[0], groups_of_four[0]]),
                ("bench/notes.md", rf"\| backward, sm_90 \|.*\| {N} \| {N} \|", [tensor[1], groups_of_four[1]]),
                ("bench/notes.md", rf"{N} \(4 warps\) to {N} \(12 warps\)[^|]*, {N} to {N} from L2", replay),
                *(("bench/notes.md", rf"\| {row} \|.*\| {N} \|", [clocks_])
                  for row, clocks_ in zip(rows, forward + backward)),
                *(("bench/profiling.md", rf"\| {row} \|.*\| {N} \|[^|]*\|[^|]*\|", [clocks_])
                  for row, clocks_ in zip(rows, forward + backward))):
            with self.subTest(file, pattern=pattern):
                for documented, clocks_ in zip(numbers_in(file, pattern), modelled, strict=True):
                    self.check_near(documented, clocks_)


def first_number(cell):
    return int(re.match(r"\d+", cell).group())


class Assumptions(unittest.TestCase):
    def test_the_table_has_the_models_numbers(self):
        rows = table(KERNELS, "instructions")[1:]
        documented = {opcode: row[1:3] for row in rows for opcode in re.findall(r"`(\w+)`", row[0])}
        self.assertEqual(set(documented), {opcode for opcode, rule in model.RULES.items() if rule.unit or rule.latency != 20})
        for opcode, (busy, latency) in documented.items():
            rule = model.RULES[opcode]
            with self.subTest(opcode):
                self.assertEqual(first_number(busy), rule.busy)
                if latency:
                    self.assertEqual(first_number(latency), rule.latency)

    def test_the_text_has_the_models_numbers(self):
        text = " ".join(KERNELS.split())
        for sentence in (f"{model.L1} where the data is in L1", f"{model.TO_LOAD_STORE} clocks after its issue",
                         f"{model.QUEUE} instructions of a scheduler", f"{model.BARRIER} clocks after the last warp",
                         f"{model.READ_OPERANDS} clocks later"):
            self.assertIn(sentence, text)


if __name__ == "__main__":
    reason = why_not()
    if reason:
        del Kernels
    if not unittest.main(argv=["machine_code", *sys.argv[3:]], exit=False).result.wasSuccessful():
        sys.exit(1)
    if reason:
        skip(reason)

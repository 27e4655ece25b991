"""The loops over steps of the kernels that latency bounds, and what their machine code must keep."""
import dataclasses

from . import model


@dataclasses.dataclass(frozen=True)
class StepLoop:
    kernel: str
    product: str    # opcode of the work that hides latency
    count: int      # so many of it per pass through the loop, at least
    warps: int = 8  # per SM
    passes: int = 4  # that the model averages over
    global_load: int = model.L2
    branches: int = 0   # per pass, beside the one that closes the loop
    blackwell: int = 0  # so many more on sm_100 and sm_120
    ahead: bool = True  # what a pass loads is first used in the next one
    step: str = ""      # an opcode that every step has once; empty: a pass is a step

    @property
    def title(self):
        """As in kernels/budgets.md."""
        cache = {model.L1: "L1", model.L2: "L2"}[self.global_load]
        return f"{self.kernel}, {self.warps} warps, scalars in {cache}" if self.step else self.kernel


# For Blackwell, ptxas lets the lanes of backward<1> that store nothing jump over the stores, twice. These are behind the
# barrier, where the next product does not wait for them.
FP32 = [StepLoop(f"bilstm: {direction}_kernel<{sequences}>", "FFMA", 256 * sequences,
                 blackwell=2 if (direction, sequences) == ("backward", 1) else 0)
        for direction in ("forward", "backward") for sequences in (1, 2, 4)]
BF16 = [StepLoop(f"bilstm_tensor: {direction}_kernel", "HMMA", 96) for direction in ("forward", "backward")]
# A pass has eight steps of five fused operations, and one look at whether the largest second moment has changed. ptxas
# puts the loads of the next steps' scalars behind all that and waits for them at once. Twice 18 passes are the 285 steps
# that the rarest word of a batch of SST has missed.
REPLAY = [StepLoop("adam: adam_replay_kernel", "FFMA", 40, warps, 18, cache, branches=1, ahead=False, step="MUFU.RCP")
          for cache in (model.L1, model.L2) for warps in (4, 12)]
STEP_LOOPS = [*FP32, *BF16, *REPLAY]

# Between a load for the next step and the first wait for it lies at least this share of the product. It is not all of
# it: ptxas begins the gates before the product's last instructions, and backward holds its c for three quarters.
LEAST_SHARE = 0.65

BRANCHES = ("BRA", "BRX", "JMP", "JMX", "RET", "EXIT")


class Loop:
    """The innermost loop of `code`, a kernel's instructions, that has the product."""

    def __init__(self, spec, code, architecture="sm_90a"):
        self.spec, self.code = spec, code
        self.branches = spec.branches + (spec.blackwell if architecture in ("sm_100", "sm_120") else 0)
        self.place = {instruction.address: place for place, instruction in enumerate(code)}
        self.jumps = [(place, self.place[i.target]) for place, i in enumerate(code)
                      if i.name == "BRA" and i.target in self.place]
        loops = [(last - first, first, last) for last, first in self.jumps
                 if first < last and self.products(code[first:last]) >= spec.count]
        if not loops:
            raise LookupError(f"{spec.kernel}: no loop with {spec.count} {spec.product}")
        _, self.first, self.last = min(loops)
        self.path = self._path()

    def products(self, instructions):
        return sum(i.name == self.spec.product for i in instructions)

    def _path(self):
        """What a warp executes in a pass: without the parts that are rare, which are inner loops and calls."""
        path, place = [], self.first
        while place <= self.last:
            instruction = self.code[place]
            path.append(instruction)
            to = self.place.get(instruction.target, -1) if instruction.name == "BRA" else -1
            place = to if place < to <= self.last and self._jumps_over(instruction, place, to) else place + 1
        return path

    def _jumps_over(self, branch, place, to):
        skipped = self.code[place + 1:to]
        inner_loop = any(i.name == "BRA" and i.target <= i.address for i in skipped)
        # IEEE division: a handful of instructions that hand unusual arguments to a subroutine
        slow_path = len(skipped) < 12 and any(i.name == "CALL" for i in skipped)
        return not branch.predicate or inner_loop or slow_path

    def steps(self):
        return sum(i.opcode == self.spec.step for i in self.path) if self.spec.step else 1

    def clocks_per_step(self):
        return model.clocks_per_pass(self.path, self.spec.warps, self.spec.global_load, self.spec.passes) / self.steps()

    def least_ahead(self):
        """[(share of the product, loads, instruction)] of every instruction that waits for loads of the path: how much
        of the product lies at least between the two."""
        twice, waits = self.path * 2, {}
        for place, load in enumerate(self.path):
            if load.name == "LDG":
                wait = next((i for i in range(place + 1, len(twice)) if load.writes in waited_for(twice[i])), len(twice) - 1)
                waits.setdefault(twice[wait], []).append(self.products(twice[place:wait]))
        return [(min(between) / self.products(self.path), len(between), wait) for wait, between in waits.items()]

    def faults(self):
        """What is wrong with the loop, a line each."""
        behind = self.code[self.last + 1].address if self.last + 1 < len(self.code) else None
        # The end is `@P BRA first`, or a jump behind the loop and then `BRA first`; ptxas writes that jump as a call.
        inside = [i for i in self.code[self.first:self.last] if not (i is self.code[self.last - 1] and i.target == behind)]
        found = []
        if calls := sum(i.name == "CALL" for i in inside):
            found.append(f"{calls} calls in the step loop")
        branches = sum(i.name in BRANCHES and i in inside for i in self.path)
        if branches > self.branches:
            found.append(f"{branches} branches in the step loop, not {self.branches}")
        entries = sum(self.first < to <= self.last for _, to in self.jumps)
        if entries and not self.branches:
            found.append(f"{entries} jumps into the middle of the step loop")
        if local := sum(i.name in ("LDL", "STL") for i in self.code):
            found.append(f"{local} accesses to local memory in the kernel")
        if self.spec.ahead:
            found += [f"{loads} loads are waited for at {wait.address:#x} ({wait.opcode}), {share:.0%} of the product "
                      f"behind them, not {LEAST_SHARE:.0%}"
                      for share, loads, wait in self.least_ahead() if share < LEAST_SHARE]
        return found


def waited_for(instruction):
    """The scoreboards that have to be free before it. (DEPBAR can let some accesses outstanding; this takes it for a wait
    for all.)"""
    if instruction.name == "DEPBAR":
        return (*instruction.waits, int(instruction.operands.split(",")[0].removeprefix("SB")))
    return instruction.waits

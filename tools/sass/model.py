"""How many clocks a loop takes on one streaming multiprocessor (SM) of sm_90, counted from its instructions. The
numbers are assumptions; kernels/README.md has them as a table and says what is left out."""
import dataclasses
import re

SCHEDULERS = 4
QUEUE = 10  # instructions of a scheduler that wait for MUFU or for the SM's load-store unit
TO_LOAD_STORE = 4  # clocks from issue to the load-store unit, at least
READ_OPERANDS = 6  # clocks that a queued instruction then takes to read its registers
BARRIER = 22  # from the arrival of the last warp
L1, L2 = 35, 300  # latency of a global load that finds its data in the first or second-level cache
UNQUEUED_RESULT = 20  # of an instruction that is not below and has a scoreboard


@dataclasses.dataclass(frozen=True)
class Rule:
    unit: str = ""  # fma, alu, tensor: each scheduler's; it must be free at issue. mufu (each scheduler's) and load_store
    #                 (the SM's) have queues
    busy: int = 0  # clocks that an instruction of a warp occupies the unit
    latency: int = UNQUEUED_RESULT  # from the unit to the result, where a scoreboard tells


def _rules(names, *values):
    return dict.fromkeys(names.split(), Rule(*values))


# Of load_store, `busy` is for 4 bytes per thread.
RULES = {
    **_rules("FFMA FMUL FADD HFMA2", "fma", 1),
    **_rules("IMAD", "fma", 2),
    **_rules("IADD3 VIADD VIMNMX VIADDMNMX ISETP LEA LOP3 SHF PRMT SEL MOV CS2R R2P P2R PLOP3 FSEL FSETP FMNMX F2FP", "alu", 2),
    **_rules("HMMA", "tensor", 6),
    **_rules("MUFU", "mufu", 8, 22),
    **_rules("LDS SHFL", "load_store", 1, 23),
    **_rules("STS STG", "load_store", 1),
    **_rules("LDG", "load_store", 1, L2),
    **_rules("LDC", "", 0, 30),
    **_rules("S2R S2UR", "", 0, 25),
    **_rules("BAR BRA BSSY BSYNC CALL NOP WARPSYNC YIELD FCHK "
             "R2UR ULDC UMOV UIADD3 UIMAD ULEA ULOP3 USHF USEL UISETP"),
}
QUEUED = ("mufu", "load_store")


class Unknown(Exception):
    """The model has no rule for an instruction."""


def wavefronts(instruction):
    """How often shared memory moves 128 bytes for a warp; a global access counts once."""
    if instruction.name in ("LDS", "STS"):
        return 4 if ".128" in instruction.opcode else 2 if ".64" in instruction.opcode else 1
    return 1


def bank_conflict(instruction, before):
    """Whether the three registers of a fused multiply-add lie in one of the two banks, odd and even, and none of them is
    kept from the instruction before."""
    registers = re.findall(r"\bR(\d+)(\.reuse)?", instruction.operands)[1:] if instruction.name == "FFMA" else []
    numbers = {int(number) for number, _ in registers}
    kept = any(reuse for _, reuse in registers) or ".reuse" in before.operands
    return len(numbers) == 3 and len({number % 2 for number in numbers}) == 1 and not kept


@dataclasses.dataclass
class Step:
    """What the model needs of an instruction."""
    stall: int
    writes: int
    reads: int
    waits: tuple
    unit: str
    busy: int
    latency: int
    is_barrier: bool

    @classmethod
    def of(cls, instruction, before, global_load):
        rule = RULES.get(instruction.name)
        if rule is None:
            raise Unknown(f"no rule for {instruction.opcode}: give it one in tools/sass/model.py")
        busy = rule.busy * wavefronts(instruction)
        latency = global_load if instruction.name == "LDG" else rule.latency
        latency += busy if instruction.name == "LDS" else 0
        conflict = bank_conflict(instruction, before)
        return cls(max(1, instruction.stall) + conflict, instruction.writes, instruction.reads, instruction.waits,
                   rule.unit, busy + conflict, latency, instruction.name == "BAR")


@dataclasses.dataclass
class Warp:
    passes: int = 0  # that are done
    at: int = 0      # next instruction of the path
    ready: int = 0   # when the stall count of the last one has passed
    arrived: bool = False  # at the barrier
    clear: list = dataclasses.field(default_factory=lambda: [0] * 8)  # when each scoreboard is free


class Scheduler:
    def __init__(self, warps):
        self.warps, self.last = warps, warps[0]
        self.free = {"fma": 0, "alu": 0, "tensor": 0, "mufu": 0}
        self.queue = []  # when each instruction leaves it

    def earliest(self, warp, step):
        """When the warp can issue its next instruction, as far as is known now."""
        when = max([warp.ready, *(warp.clear[k] for k in step.waits)])
        if step.unit in QUEUED:
            return when if len(self.queue) < QUEUE else max(when, sorted(self.queue)[-QUEUE])
        return max(when, self.free[step.unit]) if step.unit else when


class Sm:
    """Warps that go through the same instructions `passes` times, from the same moment on."""

    def __init__(self, path, warps, global_load, passes):
        self.passes = passes
        self.steps = [Step.of(path[place], path[place - 1], global_load) for place in range(len(path))]
        self.warps = [Warp() for _ in range(warps)]
        self.schedulers = [Scheduler(self.warps[first::SCHEDULERS]) for first in range(min(warps, SCHEDULERS))]
        self.load_store_free = 0

    def run(self):
        """Returns the clock at which the last warp could go on behind its last pass."""
        now = 0
        while min(warp.passes for warp in self.warps) < self.passes:
            now = max(now + 1, min(self.tick(scheduler, now) for scheduler in self.schedulers))
        return max(warp.ready for warp in self.warps)

    def tick(self, scheduler, now):
        """Issues an instruction, of the same warp as before if it can, else of the first that can. Returns when to look again."""
        soonest = float("inf")
        scheduler.queue = [leaves for leaves in scheduler.queue if leaves > now]
        for warp in (scheduler.last, *scheduler.warps):
            if warp.arrived or warp.passes == self.passes:
                continue
            when = scheduler.earliest(warp, self.steps[warp.at])
            if when <= now:
                self.issue(scheduler, warp, now)
                scheduler.last = warp
                return now + 1
            soonest = min(soonest, when)
        return soonest

    def issue(self, scheduler, warp, now):
        step = self.steps[warp.at]
        begins = now
        if step.unit == "load_store":
            begins = max(now + TO_LOAD_STORE, self.load_store_free)
            self.load_store_free = begins + step.busy
        elif step.unit == "mufu":
            begins = max(now, scheduler.free["mufu"])
        if step.unit in QUEUED:
            scheduler.queue.append(begins)
        if step.unit in scheduler.free:
            scheduler.free[step.unit] = begins + step.busy
        warp.clear[step.writes] = max(warp.clear[step.writes], begins + step.latency)
        warp.clear[step.reads] = max(warp.clear[step.reads], begins + READ_OPERANDS)
        warp.ready = now + step.stall
        warp.at += 1
        if warp.at == len(self.steps):
            warp.at = 0
            warp.passes += 1
        if step.is_barrier:
            self.arrive(warp, now)

    def arrive(self, warp, now):
        warp.arrived = True
        if all(other.arrived for other in self.warps):
            for other in self.warps:
                other.arrived = False
                other.ready = max(other.ready, now + BARRIER)


def clocks_per_pass(path, warps=8, global_load=L2, passes=4):
    """Clocks by which a pass through `path` delays the last warp, on average over the second half of 2 `passes` passes.
    `global_load` is the latency of LDG."""
    half, whole = (Sm(path, warps, global_load, count).run() for count in (passes, 2 * passes))
    return (whole - half) / passes

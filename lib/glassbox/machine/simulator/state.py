"""What the machine is doing right now: the running program, its counters, and which checks are on."""

from threading import RLock


class Account:
    """The bytes of the blocks that one program holds, now and at most."""

    __slots__ = ("live", "peak")

    def __init__(self):
        self.live = self.peak = 0


class Run:
    """The one launch in progress. A plain object with slots: every operation of a kernel touches it."""

    __slots__ = (
        "account",
        "active",
        "elementwise",
        "find_nonfinite",
        "grid",
        "kernel",
        "loops",
        "matrix",
        "me",
        "meter",
        "notes",
        "program",
        "races",
        "special",
        "synced",
        "undefined",
        "uninitialized",
    )

    def __init__(self):
        self.begin("", (1, 1, 1), frozenset(), False)
        self.end()

    def begin(self, kernel: str, grid: tuple[int, int, int], checks: frozenset, find_nonfinite: bool) -> None:
        """Begin a launch with some of the checks on."""
        self.active, self.kernel, self.grid, self.find_nonfinite = True, kernel, grid, find_nonfinite
        self.races, self.undefined, self.uninitialized = (
            name in checks for name in ("races", "undefined", "uninitialized")
        )
        self.meter, self.notes = None, {}
        self.loops: set = set()  # the loops whose variables have been seen to keep their types
        self.start_program((0, 0, 0), 0)

    def end(self) -> None:
        """End the launch; nothing of it stays behind."""
        self.begin("", (1, 1, 1), frozenset(), False)
        self.active = False

    def start_program(self, program: tuple[int, int, int], number: int) -> None:
        """Begin program `program`: its counters are zero, and it has met no other program yet."""
        self.program, self.me = program, number + 1
        self.elementwise = self.special = self.matrix = self.synced = 0
        self.account = Account()

    def note(self, key: str, text: str) -> None:
        """Remember, once per launch, something that is legal but worth knowing."""
        self.notes.setdefault(key, text)


run = Run()
one_launch = RLock()

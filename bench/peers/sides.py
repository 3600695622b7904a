"""Processes that take turns: one computes, the others are stopped, so that a runtime's threads that wait by spinning
don't take the processor from the next one."""

import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

SETTLE_S = 0.01  # a signal stops all threads, but not at once
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PROCESSORS = len(os.sched_getaffinity(0))


class SideFailed(Exception):
    pass


PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
LIBC = ctypes.CDLL(None)


def prepare_child() -> None:
    """Ends it with this process, and raises its priority, so that other work disturbs less, if the user may (root)."""
    # Whoever is stopped can't see that nobody will wake it again.
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    except PermissionError:
        pass


class Side:
    """One contender's process; it is stopped whenever it isn't asked something."""

    def __init__(self, label: str, command: list, environment: dict | None = None):
        self.label, self.command = label, [str(part) for part in command]
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self) -> dict:
        """Starts it anew; its first line."""
        self.end()
        self.process = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=prepare_child,
        )
        reply = self._reply()
        self._stop()
        return reply

    def ask(self, command: str) -> dict:
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the reply tells why
        reply = self._reply()
        self._stop()
        return reply

    def processor_seconds(self) -> float:
        """What its threads have used so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def end(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None

    def _stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def _reply(self) -> dict:
        line = self.process.stdout.readline()
        reply = json.loads(line) if line else {"error": f"ended with exit code {self.process.wait()}"}
        if "error" in reply:
            raise SideFailed(f"{self.label}: {reply['error']}")
        return reply


def machine_seconds() -> tuple[float, float]:
    """(processor time used by anybody, time that the hypervisor gave to others) since the machine began."""
    user, nice, system, _idle, _wait, irq, soft, steal = map(
        int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + soft) * TICK_S, steal * TICK_S


class Quietness:
    """How much of the machine others took while sides computed."""

    def __init__(self):
        self.turns = []

    def watch(self, side: Side, command: str) -> dict:
        time.sleep(SETTLE_S)
        used, stolen, own, began = *machine_seconds(), side.processor_seconds(), time.monotonic()
        reply = side.ask(command)
        wall = (time.monotonic() - began) * PROCESSORS
        used_after, stolen_after = machine_seconds()
        others = max(0.0, used_after - used - (side.processor_seconds() - own))
        self.turns.append({"wall": wall, "others": others, "stolen": stolen_after - stolen})
        return reply

    def summary(self) -> dict:
        wall = sum(turn["wall"] for turn in self.turns) or 1
        return {
            "others_share": sum(turn["others"] for turn in self.turns) / wall,
            "stolen_share": sum(turn["stolen"] for turn in self.turns) / wall,
            "worst_turn_share": max((turn["others"] + turn["stolen"]) / turn["wall"] for turn in self.turns),
        }


def measure(sides: list[Side], rounds: int, least_turn_ms: float) -> tuple[dict, dict]:
    """Times in ms by label, and how quiet it was. In each round every side has one turn, of one call to warm up and at
    least three that count (one, if it takes seconds); who begins changes from round to round."""
    calls = {}
    for side in sides:
        once = min(side.ask("run 2")["ms"])
        calls[side.label] = max(3 if once < 1000 else 1, min(30, round(least_turn_ms / once)))
    times, quietness = {side.label: [] for side in sides}, Quietness()
    for turn in range(rounds):
        first = turn % len(sides)
        for side in sides[first:] + sides[:first]:
            times[side.label] += quietness.watch(side, f"run {calls[side.label] + 1}")["ms"][1:]
    return times, quietness.summary()

"""`whitewire watchdog`: presses the red button when the gateway's heart stops.

Owns: the looks, the act, the record of it. Must not know: what silence means (see
`protocol.heartbeat`), how orders are canceled (see `ops.red_button`). Invariants: it shares
nothing with the gateway but the page that it looks at; the very process that fell silent is
killed, never another; a session is acted upon until the venue shows that nothing rests, then not
again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whitewire._bridge import now_ns
from whitewire.config import Config
from whitewire.ops.red_button import Button, chosen, credentials_of, report_as_json
from whitewire.protocol.heartbeat import BeatState, Verdict, Watch, Word
from whitewire.protocol.red_button import PressState
from whitewire.transport import loop
from whitewire.transport.heartbeat import HeartbeatReader, boot_id, heartbeat_path, is_running, kill
from whitewire.transport.notify import Notifier

if TYPE_CHECKING:
    from whitewire.protocol.heartbeat import Beat

__all__ = ["Watchdog", "watchdog_command"]

log = logging.getLogger("whitewire")

LOOK_S = 0.05
WARM_S = 20.0
AGAIN_S = 1.0
DONE, ACTED = 0, 1


class Watchdog:
    """See the module's documentation.

    Args:
        config: the gateway's configuration.
        stay: go on watching after an act.
    """

    def __init__(self, config: Config, stay: bool) -> None:
        self._config = config
        self._stay = stay
        self._button = Button(config, credentials_of(config))
        self._reader = HeartbeatReader(heartbeat_path(config))
        self._watch = Watch(
            boot_id(), config.watchdog.warn_ms * 1_000_000, config.watchdog.act_ms * 1_000_000
        )
        self._told: Verdict | None = None
        self._notifier = Notifier.from_environment()
        self._notify_ns = 0
        self._stopping = asyncio.Event()
        self.acts = 0
        self.act_s = config.watchdog.act_ms / 1_000 + LOOK_S

    def stop(self, reason: str) -> None:
        """Ends the watch."""
        log.warning("watchdog: stopping: %s", reason)
        self._stopping.set()

    async def run(self) -> int:
        """Watches until it has acted, or is stopped; the exit code."""
        warming = asyncio.get_running_loop().create_task(self._keep_warm())
        try:
            self._notifier.send("READY=1")
            while not self._stopping.is_set():
                beat, verdict = self._look()
                if verdict is Verdict.DEAD and beat is not None:
                    is_done = await self._act(beat)
                    if not self._stay:
                        break
                    await asyncio.sleep(0 if is_done else AGAIN_S)
                await asyncio.sleep(LOOK_S)
        finally:
            self._notifier.send("STOPPING=1")
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
            await self._button.close()
            self._reader.close()
            self._notifier.close()
        return ACTED if self.acts else DONE

    def _look(self) -> tuple[Beat | None, Verdict]:
        beat = self._reader.read()
        now = now_ns()
        verdict = self._watch.look(beat, now, None if beat is None else is_running(beat))
        if verdict is not self._told:
            self._told = verdict
            level = logging.WARNING if verdict is Verdict.LATE else logging.INFO
            who = str(self._reader.path) if beat is None else f"session {beat.session}"
            log.log(level, "watchdog: %s is %s", who, verdict)
        if self._notifier.interval_ns and now - self._notify_ns >= self._notifier.interval_ns:
            self._notify_ns = now
            self._notifier.send("WATCHDOG=1")
        return beat, verdict

    async def _keep_warm(self) -> None:
        while True:
            await self._button.warm()
            await asyncio.sleep(WARM_S)

    async def _act(self, beat: Beat) -> bool:
        """Presses, verifies, kills, verifies again; whether the venue showed nothing at the end."""
        self.acts += 1
        silent_ms = self._watch.silent_ns // 1_000_000
        is_gone = is_running(beat) is False
        log.error(
            "watchdog: session %s (pid %d) %s with %d orders open: pressing the red button",
            beat.session,
            beat.pid,
            "is gone" if is_gone else f"has been silent for {silent_ms} ms",
            beat.open_orders,
        )
        self._reader.set(Word.HALT)  # should it wake up, it halts at its first beat
        reports = [await self._button.press()]
        # an account that ended badly has said so: its process lives for the other accounts
        is_hung = beat.state is not BeatState.ENDED_UNCLEAN
        is_killed = self._config.watchdog.kill and is_hung and kill(beat)
        if is_killed:
            log.error("watchdog: killed pid %d", beat.pid)
            reports.append(await self._button.press())  # it may have woken up in between
        is_clear = reports[-1].state is PressState.CLEAR
        if is_clear:
            self._reader.set(Word.HANDLED)
        else:
            log.critical("watchdog: NOT VERIFIED that nothing rests; a human has to look")
        self._record(
            {
                "time_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "account": self._config.account.name,
                "session": beat.session,
                "pid": beat.pid,
                "state": beat.state.name.lower(),
                "open_orders": beat.open_orders,
                "silent_ms": silent_ms,
                "gone": is_gone,
                "killed": is_killed,
                "clear": is_clear,
                "presses": [report_as_json(report, None) for report in reports],
            }
        )
        return is_clear

    def _record(self, incident: dict[str, Any]) -> None:
        path = _incidents_path(self._config)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(incident) + "\n")
        except OSError as error:
            log.error("watchdog: %s cannot be written: %s; %s", path, error, json.dumps(incident))


def _incidents_path(config: Config) -> Path:
    if config.watchdog.incidents is not None:
        return Path(config.watchdog.incidents)
    told = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if told:
        return Path(told) / "incidents.jsonl"
    base = os.environ.get("XDG_STATE_HOME")
    state = Path(base) if base else Path.home() / ".local" / "state"
    return state / "whitewire" / "incidents.jsonl"


def watchdog_command(path: str, account: str | None, stay: bool) -> int:
    """`whitewire watchdog`: 0 when it was stopped, 1 after it acted."""
    logging.getLogger("whitewire").setLevel(logging.INFO)
    configs = chosen(path, account)
    return loop.run(_watch_all([Watchdog(config, stay) for config in configs.values()]))


async def _watch_all(watchdogs: Sequence[Watchdog]) -> int:
    """Watches several accounts' gateways, which may share a process, until one act is over."""

    def stop(reason: str) -> None:
        for each in watchdogs:
            each.stop(reason)

    loop.stop_on_signals(stop)
    tasks = [asyncio.get_running_loop().create_task(each.run()) for each in watchdogs]
    _, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if others:
        # what hung with the first one falls silent within the same time
        await asyncio.wait(others, timeout=max(each.act_s for each in watchdogs))
        stop("another account's gateway was acted upon")
    return max(await asyncio.gather(*tasks))

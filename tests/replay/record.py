"""Record histories: `make history` plays the scenarios that have no history yet against the processes of `make run`.

A history that is there is never touched. `--again NAME` records the next version of one beside the old one;
`--all` throws everything away first, which is only right before the first release.
"""

import argparse
import asyncio
import importlib
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import WorkflowHistory

from development.terminal import say
from domain.case import parse_reference
from storage import reads
from tests.replay import corpus, replaying
from tests.replay.corpus import Entry
from tests.replay.instance import ROOT, Instance
from tests.replay.scenario import SCENARIOS, Part, Scenario, Take
from tests.replay.stage import Stage, stage_on

SCENES = ("pages", "ends", "codes", "proofs", "claims", "schedules", "disturbances", "restart", "continued")
AT_ONCE = 4
"""Scenarios of the crowd that act at the same time: more, and local activities run out of time on two cores."""
TRIES = 2


class NotAsExpected(Exception):
    """The history is not about what the scenario says."""


@dataclass
class Recorder:
    """Plays scenarios and keeps their histories. `versions` says which version each scenario gets."""

    stage: Stage
    server: str
    versions: dict[str, int]
    known: list[Entry]
    entries: list[Entry] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _crowd: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def record(self, wanted: list[Scenario]) -> None:
        await self._one_by_one(wanted, Part.PAGES)
        await self._together(one for one in wanted if one.part is Part.CROWD)
        await self._one_by_one(wanted, Part.ALONE)
        around_a_kill = [one for one in wanted if one.part is Part.RESTART]
        if around_a_kill:
            killed = self.stage.expects_a_kill(len(around_a_kill))
            await asyncio.gather(killed, *(self._around_the_kill(one) for one in around_a_kill))
        await self._one_by_one(wanted, Part.CONTINUED)

    async def _around_the_kill(self, one: Scenario) -> None:
        await self._play(one, tries=1)
        if one.name in self.failed:
            await self.stage.nobody_waits_for_me()

    async def _one_by_one(self, wanted: list[Scenario], part: Part) -> None:
        for one in wanted:
            if one.part is part:
                await self._play(one)

    async def _together(self, wanted: Iterable[Scenario]) -> None:
        async def in_turn(one: Scenario) -> None:
            async with AsyncExitStack() as stack:
                if not one.waits_long:
                    await stack.enter_async_context(self._crowd)
                await self._play(one)

        await asyncio.gather(*map(in_turn, wanted))

    async def _play(self, one: Scenario, tries: int = TRIES) -> None:
        for attempt in range(1, tries + 1):
            began = time.monotonic()
            try:
                takes = await one.story(self.stage)
                made = [await self._keep(one, take) for take in (takes if isinstance(takes, tuple) else (takes,))]
            except Exception as failure:  # noqa: BLE001 - every scenario gets its chance; all failures are listed
                say(f"  FAILED {one.name} ({attempt}): {failure!r} from {failure.__cause__!r}")
                where = traceback.extract_tb(failure.__traceback__)
                say("".join(traceback.format_list([frame for frame in where if "replay" in frame.filename])))
                continue
            self.entries += made
            self._write_down()
            say(f"  {one.name} ({time.monotonic() - began:.1f} s, {sum(entry.events for entry in made)} events)")
            return
        self.failed.append(one.name)

    def _write_down(self) -> None:
        made = {entry.name for entry in self.entries}
        corpus.write_manifest([*(entry for entry in self.known if entry.name not in made), *self.entries])

    async def _keep(self, one: Scenario, take: Take) -> Entry:
        await (self.stage.over if take.ends and not take.run else self.stage.idle)(take.workflow)
        handle = self.stage.client.get_workflow_handle(take.workflow, run_id=take.run)
        history = await handle.fetch_history()
        name = f"{one.name}{f'-{take.then}' if take.then else ''}"
        entry = await self._entry(name, one, history)
        entry.file.parent.mkdir(parents=True, exist_ok=True)
        entry.file.write_text(corpus.text_of(history))
        return replace(entry, sha256=corpus.sha256_of(entry.file))

    async def _entry(self, name: str, one: Scenario, history: WorkflowHistory) -> Entry:
        kind = history.events[0].workflow_execution_started_event_attributes.workflow_type.name
        told, steps = corpus.lines(history), await replaying.steps(kind, history)
        end = steps[-1][2] if steps else ""
        if one.shows and not corpus.contains(told, one.shows) and name == one.name:
            raise NotAsExpected(f"{one.shows} is not in {told}")
        if one.end and one.end != end:
            raise NotAsExpected(f"it ends {end}, not {one.end}")
        await self._compare_with_the_record(history.workflow_id, steps)
        return Entry(
            scenario=name,
            version=self.versions.get(one.name, 1),
            workflow=kind,
            workflow_id=history.workflow_id,
            release=_release(),
            recorded=f"{datetime.now(UTC):%Y-%m-%d}",
            sdk=version("temporalio"),
            server=self.server,
            key=corpus.payload_ring().current,
            sha256="",
            events=len(history.events),
            end=end,
            steps=steps,
            shows=one.shows if name == one.name else (),
            fingerprint=corpus.fingerprint(told),
        )

    async def _compare_with_the_record(self, workflow_id: str, steps: tuple[replaying.Step, ...]) -> None:
        """The events of the replay are those in the database: they all came from the same run."""
        reference = parse_reference(workflow_id.partition("/")[2])
        if not reference or not steps:
            return
        async with self.stage.database.read() as session:
            kinds = [row.kind for row in await reads.event_rows(session, reference)]
        ours = [event for _, event, _ in steps]
        if ours not in (kinds[: len(ours)], kinds[-len(ours) :]):
            raise NotAsExpected(f"the database has {kinds}, the history {ours}")


def load_scenes() -> None:
    """Put every scenario on the list."""
    for scene in SCENES:
        importlib.import_module(f"tests.replay.scenes.{scene}")


def _release() -> str:
    for line in (ROOT / "pyproject.toml").read_text().splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise LookupError("pyproject.toml names no version")


def wanted_scenarios(only: list[str], again: list[str], known: list[Entry]) -> list[Scenario]:
    """What has no history, or is asked for again."""
    there = {entry.scenario for entry in known if entry.file.exists()}
    missing = [one for one in SCENARIOS if one.name in again or not there.issuperset(one.names)]
    return [one for one in missing if not only or one.name in {*only, *again}]


async def play(instance: Instance, wanted: list[Scenario], known: list[Entry], again: list[str]) -> Recorder:
    newest: dict[str, int] = {}
    for entry in known:
        newest[entry.scenario] = max(newest.get(entry.scenario, 0), entry.version)
    versions = {one.name: max(newest.get(name, 0) for name in one.names) + 1 for one in wanted if one.name in again}
    async with stage_on(instance) as stage:
        info = await stage.client.workflow_service.get_system_info(GetSystemInfoRequest())
        recorder = Recorder(stage, info.server_version, versions, known)
        await recorder.record(wanted)
        return recorder


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--all", action="store_true", help="forget every history first: never after a release")
    arguments.add_argument("--again", metavar="NAME", action="append", default=[], help="the next version of one")
    arguments.add_argument("only", metavar="NAME", nargs="*", help="of those that are missing, only these")
    chosen = arguments.parse_args()
    load_scenes()
    if chosen.all:
        shutil.rmtree(corpus.HISTORIES, ignore_errors=True)
        corpus.MANIFEST.unlink(missing_ok=True)
    known = corpus.entries()
    wanted = wanted_scenarios(chosen.only, chosen.again, known)
    if not wanted:
        say(f"nothing to record: {len(known)} histories are there")
        return 0
    return record(wanted, known, chosen.again)


def record(wanted: list[Scenario], known: list[Entry], again: list[str]) -> int:
    """Start everything, play, stop everything. 1 if a scenario failed."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reinstate-history-") as var:
        instance = Instance(Path(var))
        try:
            instance.start()
            recorder = asyncio.run(play(instance, wanted, known, again))
        finally:
            instance.stop()
    say(f"{len(recorder.entries)} histories recorded in {time.monotonic() - began:.0f} s")
    if recorder.failed:
        say(f"not recorded: {', '.join(sorted(recorder.failed))}")
    return 1 if recorder.failed else 0


if __name__ == "__main__":
    sys.exit(main())

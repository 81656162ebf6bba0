"""One recovery, with a place to strike at each of its moments. The person notices nothing but a wait."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from enum import StrEnum

from tests.e2e.town import Town
from tests.faults.ledger import mailed_code, until_told
from tests.faults.outages import frozen, hashers, process, write_lock
from tests.faults.people import NEW, Person, until_state
from tests.faults.tab import PATIENCE, Tab

SOON = 0.3
"""Seconds after which a request that is held up has come as far as it can; if not, the strike falls earlier."""
LATE = 1.6
"""Seconds after which a record is no longer tried within the turn (1 s) but by an activity of its own."""


class Moment(StrEnum):
    """Where a recovery can be hit, in order."""

    BEFORE_START = "before the start"
    BEFORE_THE_CODE = "after the start, before the code is issued"
    BEFORE_SUBMIT = "between code and submit"
    UNTAKEN = "during the submit, before the case took it"
    UNRECORDED = "during the submit, before it is recorded"
    UNRECORDED_FOR_LONG = "during the submit, after its record failed once"
    BEFORE_PASSWORD = "between code and password"
    APPLYING = "while the password is applied"
    UNTOLD = "after the password, before anybody was told"
    AFTER = "after everything"


Strike = Callable[[], object]
Send = Callable[[], int | str]
Hold = Callable[[], AbstractContextManager[None]]


def no_strike() -> None:
    """Nothing happens."""


class Walk:
    """`strike` is called once, at `moment`."""

    def __init__(
        self, town: Town, person: Person, moment: Moment | None = None, strike: Strike = no_strike, typed: str = ""
    ) -> None:
        """`typed` is what the person writes into the one box: the e-mail address, if nothing is said."""
        self._town, self.person, self._moment, self._strike = town, person, moment, strike
        self._typed = typed or person.email
        self.tab, self.reference = Tab(town.url), ""

    def all_the_way(self) -> None:
        self.start()
        self.go_on()

    def go_on(self) -> None:
        """From the code to the last page."""
        self.prove()
        self.finish()

    def prove(self) -> None:
        """A wrong code, then the right one."""
        code = mailed_code(self._town, self.reference)
        self._here(Moment.BEFORE_SUBMIT)
        self._type_a_wrong_code(code)
        self._type_the_code(code)

    def finish(self) -> None:
        """The password, and what the last page says."""
        self._here(Moment.BEFORE_PASSWORD)
        self._choose_the_password()
        until_state(self._town, self.reference, "recovered")
        if self._moment is Moment.AFTER:
            until_told(self._town, self.reference)
            self._strike()
        assert "You can sign in again" in self.tab.open(f"/case/{self.reference}")
        assert self.person.username in self.tab.said
        assert not set(self.tab.heard) & {500, 404}, self.tab.heard

    def _here(self, moment: Moment) -> None:
        if moment is self._moment:
            self._strike()

    def _struck(self, moment: Moment, hold: Hold, is_reached: Callable[[], object], send: Send) -> int | str:
        """The answer; at its moment the request is held up, struck, and let go."""
        if moment is not self._moment:
            return send()
        with ThreadPoolExecutor(1) as thread:
            with hold():
                answer = thread.submit(send)
                is_reached()
                self._strike()
            return answer.result(2 * PATIENCE)

    def start(self) -> None:
        form = self.tab.form("/", "/recover")
        self._here(Moment.BEFORE_START)
        is_held = self._moment is Moment.BEFORE_THE_CODE
        with frozen(*([process(self._town, "worker")] if is_held else [])):
            assert self.tab.send(form, identifier=self._typed) == 303
            self.reference = self.tab.path.rpartition("/")[2]
            self._here(Moment.BEFORE_THE_CODE)

    def _type_a_wrong_code(self, right: str) -> None:
        """Counted once, although it is sent until somebody answers."""
        typed = f"{(int(right) + 1) % 10**6:06d}"
        form = self.tab.form(f"/case/{self.reference}", "/code")
        answer = self._struck(
            Moment.UNTAKEN,
            lambda: frozen(process(self._town, "worker")),
            lambda: time.sleep(SOON),
            lambda: self.tab.send(form, code=typed),
        )
        assert answer == 422, self.tab.said

    def _type_the_code(self, code: str) -> None:
        form = self.tab.form(f"/case/{self.reference}", "/code")

        def send() -> int | str:
            return self.tab.send(form, code=code)

        def at_last() -> int | str:
            return self._struck(Moment.UNRECORDED_FOR_LONG, self._locked, lambda: time.sleep(LATE), send)

        answer = self._struck(Moment.UNRECORDED, self._locked, lambda: time.sleep(SOON), at_last)
        assert answer == 303, self.tab.said

    def _locked(self) -> AbstractContextManager[None]:
        return write_lock(self._town)

    def _choose_the_password(self) -> None:
        form = self.tab.form(f"/case/{self.reference}", "/password")

        def send() -> int | str:
            return self.tab.send(form, new_password=NEW)

        def until(state: str) -> Callable[[], object]:
            return lambda: until_state(self._town, self.reference, state)

        def untold() -> int | str:
            return self._struck(Moment.UNTOLD, lambda: frozen(process(self._town, "catcher")), until("recovered"), send)

        answer = self._struck(Moment.APPLYING, lambda: frozen(*hashers(self._town)), until("applying_password"), untold)
        assert answer == 303, self.tab.said

"""Counters of the worker's `/metrics`: what became of messages. Labels are templates, channels and results, no more."""

import time
from datetime import timedelta

from temporalio.common import MetricMeter

from activities.delivery.log import Entry


class Tally:
    """`reinstate_messages` (codes have the template `code`) and how long handing over took."""

    def __init__(self, meter: MetricMeter) -> None:
        self._messages = meter.create_counter(
            "reinstate_messages", "Tries to hand a message over, by what became of them"
        )
        self._handover = meter.create_histogram_timedelta("reinstate_handover", "Time until the provider answered")

    def count(self, entry: Entry, result: str, began: float) -> None:
        """One try. `result`: handed_over, delayed (tried again) or undeliverable; `began` by `time.perf_counter`."""
        channel = str(entry.channel)
        self._messages.add(1, {"template": entry.template, "channel": channel, "result": result})
        self._handover.record(timedelta(seconds=time.perf_counter() - began), {"channel": channel})

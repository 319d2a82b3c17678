"""The stream: latest frame wins, one under way at a time, the clean one is never pushed out."""

import threading
from types import SimpleNamespace
from typing import cast

from glassblock.live import Frame
from glassblock.widget.stream import PATIENCE, FrameStream


def frame(seq: int, origin: str = "generate") -> Frame:
    return cast("Frame", SimpleNamespace(seq=seq, origin=origin, ready=True))


class Harness:
    """A stream whose sent frames and clock can be looked at and set."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.now = 0.0
        self.stream = FrameStream(lambda sent: self.sent.append(sent.seq), lambda: self.now)

    def push(self, *frames: Frame) -> None:
        for each in frames:
            self.stream.push(each)


def test_newest_frame_wins_while_the_page_is_busy() -> None:
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 10)))
    assert harness.sent == [1]
    harness.stream.acknowledge(1)
    assert harness.sent == [1, 9]
    harness.stream.acknowledge(9)
    assert harness.sent == [1, 9]


def test_clean_frame_is_not_pushed_out_by_a_newer_one() -> None:
    harness = Harness()
    harness.push(frame(1), frame(2, "clean"), frame(3, "run"), frame(4, "run"))
    harness.stream.acknowledge(1)
    harness.stream.acknowledge(2)
    assert harness.sent == [1, 2, 4]


def test_acknowledgement_of_an_older_frame_changes_nothing() -> None:
    harness = Harness()
    harness.push(frame(5), frame(6))
    harness.stream.acknowledge(4)
    assert harness.sent == [5]


def test_page_that_went_away_is_not_waited_for() -> None:
    harness = Harness()
    harness.push(frame(1), frame(2))
    harness.now = PATIENCE + 0.1
    harness.push(frame(3))
    assert harness.sent == [1, 3]


def test_page_that_opens_anew_starts_at_once() -> None:
    harness = Harness()
    harness.push(frame(1))
    harness.stream.restart()
    harness.push(frame(2))
    assert harness.sent == [1, 2]


def test_frame_that_is_still_on_its_way_from_a_device_is_waited_for_elsewhere() -> None:
    """Whoever pushes is the forward pass, and shall not wait."""
    threads: list[threading.Thread] = []
    stream = FrameStream(lambda _: threads.append(threading.current_thread()))
    stream.push(cast("Frame", SimpleNamespace(seq=1, origin="generate", ready=False)))
    for thread in threading.enumerate():
        if thread.name == "glassblock-frame":
            thread.join()
    assert [thread is threading.current_thread() for thread in threads] == [False]

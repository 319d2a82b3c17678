"""The stream: the newest first, one message under way at a time, and in the end every step of a series."""

import threading
import weakref
from types import SimpleNamespace
from typing import cast

from glassblock.live import Frame
from glassblock.widget.stream import KEPT, MOST, PATIENCE, TOGETHER, FrameStream


class Stub(SimpleNamespace):
    """What the stream asks of a frame."""


def frame(seq: int, origin: str = "generate", nbytes: int = 1000) -> Frame:
    return cast("Frame", Stub(seq=seq, origin=origin, ready=True, nbytes=nbytes))


class Harness:
    """A stream whose sent frames and clock can be looked at and set."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.missing = 0
        self.now = 0.0
        self.stream = FrameStream(self._receive, lambda: self.now)

    def _receive(self, sent: Frame, missing: int) -> None:
        self.sent.append(sent.seq)
        self.missing = missing

    def push(self, *frames: Frame) -> None:
        for each in frames:
            self.stream.push(each)

    def draw(self) -> list[int]:
        """Acknowledge what came last, and return what that brought."""
        before = len(self.sent)
        self.stream.acknowledge(self.sent[-1])
        return self.sent[before:]


def test_newest_frame_wins_while_the_page_is_busy() -> None:
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 10)))
    assert harness.sent == [1]
    assert harness.draw() == [9]
    assert harness.missing == 7


def test_what_the_page_was_too_slow_for_comes_when_nothing_newer_does() -> None:
    """A person goes through every one of the 40 tokens, however fast the model wrote them."""
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 41)))
    assert harness.draw() == [40]
    assert harness.draw() == list(range(40 - TOGETHER, 40))
    while harness.draw():
        pass
    assert sorted(harness.sent) == list(range(1, 41))
    assert harness.missing == 0


def test_first_of_a_series_is_not_pushed_out() -> None:
    """With it the page begins another text; tokens that came before it would be put after the text that was there."""
    harness = Harness()
    harness.push(frame(1, "clean"))
    harness.stream.begin()
    harness.push(*(frame(seq) for seq in range(2, 9)))
    assert harness.draw() == [2]
    assert harness.draw() == [8]


def test_steps_of_the_series_before_are_not_sent_any_more() -> None:
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 9)))
    harness.stream.begin()
    harness.push(frame(9))
    assert harness.draw() == [9]
    assert harness.draw() == []
    assert harness.missing == 0


def test_what_waits_of_the_series_before_is_not_sent_after_the_one_that_ended_it() -> None:
    harness = Harness()
    harness.push(frame(1), frame(2), frame(3))
    harness.stream.begin()
    harness.push(frame(4, "clean"))
    assert harness.draw() == [4]
    assert harness.draw() == []


def test_pages_that_draw_the_same_frames_do_not_make_them_come_faster() -> None:
    """Each page acknowledges each message; what was skipped comes later than what has larger numbers."""
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 41)))
    assert harness.draw() == [40]
    assert harness.draw() == list(range(40 - TOGETHER, 40))
    harness.stream.acknowledge(40)  # the other page has only now drawn what came before
    assert len(harness.sent) == 2 + TOGETHER


def test_frames_that_came_in_another_order_are_acknowledged_by_the_one_that_came_last() -> None:
    """Those that wait for a device are sent by threads: the last to come need not be the last that was made."""
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 41)))
    harness.draw()
    harness.draw()
    harness.stream.acknowledge(40 - TOGETHER)
    assert len(harness.sent) == 2 + 2 * TOGETHER


def test_stream_that_ended_holds_no_frames() -> None:
    harness = Harness()
    each = [frame(1), frame(2), frame(3, "clean")]
    harness.push(*each)
    held = [weakref.ref(one) for one in each]
    harness.stream.end()
    each.clear()
    assert [one() for one in held] == [None, None, None]


def test_passes_of_the_user_begin_a_series_after_a_generation() -> None:
    harness = Harness()
    harness.push(*(frame(seq) for seq in range(1, 5)), frame(5, "outside"), frame(6, "outside"), frame(7, "outside"))
    while harness.draw():
        pass
    assert harness.sent == [1, 5, 7, 6]


def test_what_was_given_up_is_counted() -> None:
    harness = Harness()
    harness.push(*(frame(seq, nbytes=KEPT // 4) for seq in range(1, 11)))
    while harness.draw():
        pass
    assert sorted(harness.sent) == [1, 7, 8, 9, 10]
    assert harness.missing == 5


def test_a_long_series_is_bounded_however_small_its_frames_are() -> None:
    """A training loop with a page beside it makes hundreds of thousands."""
    harness = Harness()
    harness.push(*(frame(seq, "outside", nbytes=1) for seq in range(MOST + 100)))
    while harness.draw():
        pass
    assert sorted(harness.sent) == [0, *range(100, MOST + 100)]
    assert harness.missing == 99


def test_page_that_opens_later_gets_the_series_and_is_told_what_was_dropped() -> None:
    harness = Harness()
    for seq in range(1, 11):
        harness.push(frame(seq, nbytes=KEPT // 4))
        harness.draw()
    assert harness.sent == list(range(1, 11))
    assert harness.missing == 0
    harness.sent.clear()
    harness.stream.restart()
    while harness.draw():
        pass
    assert sorted(harness.sent) == [7, 8, 9, 10]
    assert harness.missing == 6


def test_clean_frame_is_not_pushed_out_by_a_newer_one() -> None:
    harness = Harness()
    harness.push(frame(1), frame(2, "clean"), frame(3, "run"), frame(4, "run"))
    harness.stream.acknowledge(1)
    harness.stream.acknowledge(2)
    assert harness.sent == [1, 2, 4]


def test_frame_of_an_older_ablation_is_of_no_use() -> None:
    harness = Harness()
    harness.push(frame(1, "run"), frame(2, "run"), frame(3, "run"))
    assert harness.draw() == [3]
    assert harness.draw() == []


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
    harness.push(frame(1, "run"))
    harness.stream.restart()
    harness.push(frame(2, "run"))
    assert harness.sent == [1, 2]


def test_frame_that_is_still_on_its_way_from_a_device_is_waited_for_elsewhere() -> None:
    """Whoever pushes is the forward pass, and shall not wait."""
    threads: list[threading.Thread] = []
    stream = FrameStream(lambda _, __: threads.append(threading.current_thread()))
    stream.push(cast("Frame", SimpleNamespace(seq=1, origin="run", ready=False)))
    for thread in threading.enumerate():
        if thread.name == "glassblock-frame":
            thread.join()
    assert [thread is threading.current_thread() for thread in threads] == [False]

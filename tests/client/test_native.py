"""The system as it was before the tests patched it."""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_platform_report import native as module
from pytest_platform_report.native import native, now_ms, to_json


class TestNow:
    def test_is_the_wall_clock_in_milliseconds(self) -> None:
        before = time.time()
        now = now_ms() / 1000
        assert before - 60 < now < time.time() + 60

    def test_patched_clocks_do_not_bend_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = now_ms()
        for name in ("time", "monotonic", "perf_counter", "time_ns", "monotonic_ns"):
            monkeypatch.setattr(time, name, lambda: 0)
        after = now_ms()
        monkeypatch.undo()
        assert before <= after <= now_ms()

    def test_globals_that_hold_clocks_are_no_way_in(self) -> None:
        # freezegun replaces such globals, in whichever module they are.
        clocks = (time.time, time.monotonic, time.perf_counter, time.time_ns, os.write, os.open)
        assert [name for name, value in vars(module).items() if value in clocks] == []


class TestToJson:
    def test_keeps_the_order_and_wastes_no_byte(self) -> None:
        assert to_json({"b": 1, "a": [None, True, 1.5], "c": {}}) == '{"b":1,"a":[null,true,1.5],"c":{}}'

    @pytest.mark.parametrize("text", ["ü", "\u2028", "\x00", "\ud800", "😀", '"\\\n\x7f'])
    def test_is_pure_ascii_on_one_line(self, text: str) -> None:
        encoded = to_json({text: text})
        assert encoded.isascii()
        assert "\n" not in encoded
        assert json.loads(encoded) == {text: text}

    @pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
    def test_refuses_numbers_that_are_none(self, number: float) -> None:
        with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
            to_json({"a": number})

    @pytest.mark.parametrize("value", [b"a", {1}, Decimal(1), datetime.now(timezone.utc), object()], ids=type)
    def test_refuses_what_json_cannot_say(self, value: object) -> None:
        with pytest.raises(TypeError, match=f"{type(value).__name__} does not belong into a journal"):
            to_json([value])

    def test_refuses_what_never_ends(self) -> None:
        endless: list[Any] = []
        endless.append(endless)
        with pytest.raises(RecursionError):
            to_json(endless)

    def test_takes_mappings_and_tuples(self) -> None:
        assert to_json(OrderedDict(a=(1, 2))) == '{"a":[1,2]}'

    def test_patched_json_does_not_reach_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("dumps", "JSONEncoder"):
            monkeypatch.setattr(json, name, None)
        for name in ("c_make_encoder", "encode_basestring_ascii", "py_encode_basestring_ascii", "ESCAPE_DCT"):
            monkeypatch.setattr(json.encoder, name, None)
        encoded = to_json({"a": "ü"})
        monkeypatch.undo()
        assert encoded == '{"a":"\\u00fc"}'

    @settings(deadline=None)
    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
    def test_reads_back_as_it_was(self, value: Any) -> None:
        assert json.loads(to_json(value)) == value


def test_system_calls_are_those_of_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: -1)
    pid = native.getpid()
    monkeypatch.undo()
    assert pid == os.getpid()

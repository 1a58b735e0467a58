"""Text fit for a journal, and without secrets."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_platform_report.ids import is_run_key, new_id, new_run_key, shared_run_key
from pytest_platform_report.redact import MASK, make_redactor
from pytest_platform_report.text import clean, number_of, shorten

SECRET = "prk_live_0123456789abcdef"


class TestClean:
    @pytest.mark.parametrize(
        ("dirty", "expected"),
        [
            ("plain", "plain"),
            ("ünd 😀 \u2028", "ünd 😀 \u2028"),
            ("a\0b", "a\ufffdb"),
            ("ü\0b", "ü\ufffdb"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("ü\x1b[1;31mred\x1b[m", "üred"),
            ("\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b(B\x1b[mafter tput sgr0", "after tput sgr0"),
            ("\x1b7save\x1b8\x1bc", "save"),
            ("\x1b[\x1b[31mm", "m"),
            ("\x1b]unfinished", "unfinished"),
            ("lonely\x1b", "lonely"),
            ("\ud800", "\\ud800"),
            ("a\udcffb", "a\\udcffb"),
            ("tab\tand\nline", "tab\tand\nline"),
        ],
    )
    def test_examples(self, dirty: str, expected: str) -> None:
        assert clean(dirty) == expected

    @settings(deadline=None)
    @given(st.text(st.characters(codec=None) | st.sampled_from("\x1b[]m\0\ud800")))
    def test_any_text_becomes_fit(self, text: str) -> None:
        cleaned = clean(text)
        cleaned.encode("utf-8")
        assert "\0" not in cleaned
        assert "\x1b" not in cleaned


class TestShorten:
    def test_short_enough_is_left_alone(self) -> None:
        assert shorten("x" * 10, 10) == "x" * 10

    def test_head_and_tail_stay_and_the_cut_is_said(self) -> None:
        text = "a" * 5000 + "b" * 5000
        assert shorten(text, 10) == "aaaaa\n[... 9,990 characters cut ...]\nbbbbb"

    @settings(deadline=None)
    @given(st.text(), st.integers(0, 50))
    def test_says_how_much_was_cut(self, text: str, limit: int) -> None:
        short = shorten(text, limit)
        if len(text) > limit:
            assert f"[... {len(text) - limit // 2 * 2:,} characters cut ...]" in short
            assert len(short) < limit + 60
        else:
            assert short == text


class TestRedact:
    def test_masks_each_secret_wherever_it_stands(self) -> None:
        redact = make_redactor([SECRET, "other-secret"])
        assert redact(f"key={SECRET}&{SECRET} other-secret") == f"key={MASK}&{MASK} {MASK}"

    def test_longer_secret_goes_first(self) -> None:
        redact = make_redactor(["abc", "abcdef"])
        assert redact("abcdef abc") == f"{MASK} {MASK}"

    def test_empty_secret_masks_nothing(self) -> None:
        assert make_redactor(["", ""])("text") == "text"

    def test_terminal_codes_do_not_hide_a_secret(self) -> None:
        redact = make_redactor([SECRET])
        assert redact(f"{SECRET[:8]}\x1b[1m{SECRET[8:]}") == MASK

    def test_cleans_too(self) -> None:
        assert make_redactor([])("a\0\x1b[1m\ud800") == "a\ufffd\\ud800"


@pytest.mark.parametrize(("number", "words"), [(0, "0 tests"), (1, "1 test"), (2, "2 tests"), (1204, "1,204 tests")])
def test_numbers_of_things(number: int, words: str) -> None:
    assert number_of(number, "test") == words


class TestIds:
    def test_run_keys_are_unique_and_name_a_folder(self) -> None:
        keys = {new_run_key() for _ in range(200)}
        assert len(keys) == 200
        assert all(is_run_key(key) for key in keys)

    def test_run_keys_sort_by_time(self) -> None:
        keys = [new_run_key().partition("-")[0] for _ in range(200)]
        assert keys == sorted(keys)

    def test_ids_have_the_wanted_length(self) -> None:
        assert [len(new_id(length)) for length in (1, 6, 13)] == [1, 6, 13]

    def test_shared_key_depends_on_each_fact_and_on_nothing_else(self) -> None:
        keys = {shared_run_key("p", "b"), shared_run_key("pb"), shared_run_key("p", "b", ""), shared_run_key("b", "p")}
        assert len(keys) == 4
        assert shared_run_key("p", "b") in keys
        assert all(is_run_key(key) for key in keys)

    @pytest.mark.parametrize("bad", ["", ".", "..", "-a", "a/b", "a\\b", "a b", "ä", "a\n", "x" * 65, "a:b"])
    def test_what_names_no_folder(self, bad: str) -> None:
        assert not is_run_key(bad)

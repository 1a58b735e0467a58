"""What every page has to be: without fault in the eyes of axe, in both themes, and no wider than a small phone."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

_SOURCE = gzip.decompress(Path(__file__).with_name("vendored").joinpath("axe.min.js.gz").read_bytes()).decode()
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RULES = {
    "light": {"type": "tag", "values": _TAGS},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},  # the others see no colours
}
_RUN = """async (rules) => {
    for (const _ of "12") await new Promise(requestAnimationFrame);  // the theme has come by then
    const closed = [...document.querySelectorAll("details:not([open], [hx-get])")];
    closed.forEach((each) => { each.open = true; });
    const { violations } = await axe.run({ runOnly: rules, resultTypes: ["violations"] });
    closed.forEach((each) => { each.open = false; });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`));
}"""
_WIDE = """(width) => {
    if (document.documentElement.scrollWidth <= width) return "";
    const all = [...document.querySelectorAll("body *")];
    const wide = all.filter((each) => each.getBoundingClientRect().right > width + 1);
    return wide.map((each) => each.outerHTML.slice(0, 200)).join("\\n");
}"""
_NARROW = {"width": 320, "height": 640}


def check_page(page: Any) -> None:
    """Check the page that a browser shows."""
    page.evaluate(_SOURCE)
    for theme, rules in _RULES.items():
        page.emulate_media(color_scheme=theme)
        found = "\n".join(page.evaluate(_RUN, rules))
        assert not found, f"{page.url}, {theme}: {found}"
    size = page.viewport_size
    page.set_viewport_size(_NARROW)
    wide = page.evaluate(_WIDE, _NARROW["width"])
    assert not wide, f"{page.url} scrolls sideways for {wide}"
    page.set_viewport_size(size)

"""The page of rules says what the registry says."""

from __future__ import annotations

import re
from pathlib import Path

from engine.check import RULES
from engine.check.page import page

PAGE = Path(__file__).parents[3] / "docs" / "rules-of-the-checker.md"


def test_the_page_is_the_registry() -> None:
    assert PAGE.read_text() == page(), "run: python -m engine.check.page > docs/rules-of-the-checker.md"


def test_every_rule_says_why_and_what_to_do() -> None:
    for rule in RULES.values():
        assert re.fullmatch(r"K\d{3}", rule.id)
        assert rule.why.endswith("."), rule.id
        assert rule.do.zh and rule.do.en, rule.id
        assert not rule.what.zh.endswith(("。", ".")), rule.id

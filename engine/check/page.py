"""The rules as the page ``docs/rules-of-the-checker.md``; a test keeps the page equal to the registry.

``python -m engine.check.page > docs/rules-of-the-checker.md`` writes it.
"""

from __future__ import annotations

import sys

from engine.check import RULES, Rule

_HEAD = """# Rules of the checker

Every deployment is checked as a whole, together with what is in force; one error refuses all of it. A finding names
file, line and element. `warning` does not refuse. Words in braces are filled in from the file.

| rule | severity | what | why | what to do |
|---|---|---|---|---|
"""


def _row(rule: Rule) -> str:
    cells = (
        rule.id,
        rule.severity,
        f"{rule.what.zh}<br>{rule.what.en}",
        rule.why,
        f"{rule.do.zh}<br>{rule.do.en}",
    )
    return "| " + " | ".join(cell.replace("{{", "{").replace("}}", "}") for cell in cells) + " |\n"


def page() -> str:
    """The whole page, in the order of the rule ids."""
    return _HEAD + "".join(_row(RULES[rule_id]) for rule_id in sorted(RULES))


if __name__ == "__main__":
    sys.stdout.write(page())

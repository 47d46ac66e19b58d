"""The deployment check: refuses what SpiffWorkflow would silently do wrong and what the engine cannot vouch for."""

from engine.check.deployment import Known
from engine.check.findings import RULES, Finding, Rule, render
from engine.check.run import Limits, check

__all__ = ["RULES", "Finding", "Known", "Limits", "Rule", "check", "render"]

"""The one door to SpiffWorkflow: parse, start, load, run, save, and every workaround. Nobody else imports it."""

from engine.spiff.advance import advance, cancel, complete, deliver, fail, fire_timer
from engine.spiff.codec import dump, load
from engine.spiff.errors import (
    DataRefusedError,
    DeadWorkflowError,
    LoopBudgetExceededError,
    ProgramError,
    StateError,
    StepError,
    UnhandledEventError,
)
from engine.spiff.facts import Element
from engine.spiff.program import Program, compile_program
from engine.spiff.waits import Subscription, TimerWait, UserTask, Waits, waits
from engine.spiff.workflow import Left, Run, Thrown, Workflow, is_completed, left, start, thrown

__all__ = [
    "DataRefusedError",
    "DeadWorkflowError",
    "Element",
    "Left",
    "LoopBudgetExceededError",
    "Program",
    "ProgramError",
    "Run",
    "StateError",
    "StepError",
    "Subscription",
    "Thrown",
    "TimerWait",
    "UnhandledEventError",
    "UserTask",
    "Waits",
    "Workflow",
    "advance",
    "cancel",
    "compile_program",
    "complete",
    "deliver",
    "dump",
    "fail",
    "fire_timer",
    "is_completed",
    "left",
    "load",
    "start",
    "thrown",
    "waits",
]

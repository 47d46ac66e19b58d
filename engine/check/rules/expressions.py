"""K8: expressions compile, timers give times, and conditions read what somebody writes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from engine.check.deployment import Deployment
from engine.check.findings import ERROR, WARNING, Hit, Text, rule
from engine.check.texts import Written, comparisons, conditions, keys_written, payloads, times
from engine.expressions import ExpressionError
from engine.spiff.instants import InstantError, parse_cycle, parse_duration, parse_instant

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)


def _hit(written: Written, **facts: object) -> Hit:
    return Hit(written.file.place(written.element), {"text": written.text, **facts})


@rule(
    "K801",
    ERROR,
    what=Text("条件“{text}”不能使用：{zh}", "The condition {text} is no expression that we evaluate"),
    do=Text(
        "请写成键与值的比较，如 accepted == 'transfer'", "Compare a key with a value, as in accepted == 'transfer'"
    ),
    why="SpiffWorkflow looks at a condition only when a token arrives.",
)
def conditions_compile(deployment: Deployment) -> Iterator[Hit]:
    """Every condition compiles."""
    for _, written in conditions(deployment):
        if trouble := written.trouble():
            yield _hit(written, zh=trouble)


@rule(
    "K802",
    ERROR,
    what=Text("消息内容“{text}”不能使用：{zh}", "The payload {text} is no expression that we evaluate"),
    do=Text("请写成 {{'key': 键, 'value': 值}}", "Write {{'key': …, 'value': …}}"),
    why="SpiffWorkflow looks at it only when the message is sent.",
)
def payloads_compile(deployment: Deployment) -> Iterator[Hit]:
    """Every payload compiles."""
    for written in payloads(deployment):
        if trouble := written.trouble():
            yield _hit(written, zh=trouble)


@rule(
    "K803",
    ERROR,
    what=Text("时间“{text}”不能使用：{zh}", "The time {text} is no expression that we evaluate"),
    do=Text(
        "请写成带引号的 ISO 文本或一个键名，如 'P30D'", "Write ISO text in quotes or the name of a key, as in 'P30D'"
    ),
    why="SpiffWorkflow looks at it only when the timer starts.",
)
def times_compile(deployment: Deployment) -> Iterator[Hit]:
    """Every time compiles."""
    for _, written in times(deployment):
        if trouble := written.trouble():
            yield _hit(written, zh=trouble)


def _parse(kind: str, value: object) -> str | None:
    """Why a constant is not a time of its kind."""
    if not isinstance(value, str):
        return "not text"
    try:
        if kind == "timeDate":
            parse_instant(value)
        elif kind == "timeDuration":
            parse_duration(value).after(_SOME_DAY)
        else:
            parse_cycle(value, _SOME_DAY).occurrence(0)
    except InstantError as error:
        return str(error)
    return None


@rule(
    "K804",
    ERROR,
    what=Text("{kind} 的值 {text} 不是可用的 ISO 8601 时间（{en}）", "{text} is no {kind} in ISO 8601 ({en})"),
    do=Text(
        "时刻要带时区；时长如 'P30D'、'PT4H'，不为负；周期如 'R3/P7D'，不用 cron",
        "Instants carry an offset; durations read 'P30D', 'PT4H' and are not negative; cycles 'R3/P7D', never cron",
    ),
    why="SpiffWorkflow reads a negative duration as positive and a naive instant in the server's zone.",
)
def constant_times_are_iso(deployment: Deployment) -> Iterator[Hit]:
    """A time without names is a time."""
    for _, written in times(deployment):
        expression = None if written.trouble() else written.compiled()
        if expression is None or expression.names:
            continue
        try:
            trouble = _parse(written.kind, expression.evaluate({}))
        except ExpressionError as error:
            trouble = str(error)
        if trouble:
            yield _hit(written, kind=written.kind, en=trouble)


@rule(
    "K805",
    WARNING,
    what=Text("“{text}”读取的 {key} 没有任何步骤写入", "{text} reads {key}, which no step writes"),
    do=Text("请核对键名；若由启动数据带来，可不理会", "Check the name; ignore this if the start data bring it"),
    why="Where the key is missing the instance is stuck.",
)
def names_are_written(deployment: Deployment) -> Iterator[Hit]:
    """Expressions read keys that somebody writes."""
    written_keys = deployment.once(keys_written)
    texts = [each for _, each in conditions(deployment)] + [each for _, each in times(deployment)]
    for written in [*texts, *payloads(deployment)]:
        expression = written.compiled()
        if expression is not None:
            for key in sorted(expression.names - written_keys):
                yield _hit(written, key=key)


MOST_COMPARISONS = 2


@rule(
    "K806",
    WARNING,
    what=Text("条件“{text}”有 {count} 个比较", "The condition {text} makes {count} comparisons"),
    do=Text("请改用决策表，网关只看它的结果", "Use a decision table and let the gateway read its result"),
    why="A rule that staff should be able to change belongs into a table.",
)
def conditions_are_simple(deployment: Deployment) -> Iterator[Hit]:
    """A gateway compares a key with a value; more is a decision table."""
    for _, written in conditions(deployment):
        expression = written.compiled()
        if expression is not None and (count := comparisons(expression)) > MOST_COMPARISONS:
            yield _hit(written, count=count)

"""Small processes, forms and a decision for the engine's own tests, and a desk that runs units of work on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Engine, Table, func, select

from engine import definitions, instances, messages, timers
from engine import persistence as db
from engine.context import Call, Context
from engine.errors import StepFailedError
from engine.tasks import Offer
from tests.engine.check.draw import about, border, bpmn, catch, choice, el, end, message_, start, throw, timer, user
from tests.engine.check.draw import service as service_

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LEASE = timedelta(minutes=5)
R = TypeVar("R")


def form(
    key: str, properties: Mapping[str, Any] | None = None, *, ui: Mapping[str, Any] | None = None, **schema: Any
) -> bytes:
    """A form file; without ``properties`` it has one optional text field ``note``."""
    fields = properties if properties is not None else {"note": {"type": "string", "title": "备注"}}
    body = {"type": "object", "properties": fields, **schema}
    return json.dumps({"key": key, "title": f"表单 {key}", "schema": body, "ui": ui or {}}).encode()


FILL = form("fill", {"amount": {"type": "integer", "title": "金额", "minimum": 1}}, required=["amount"])
APPROVE = form(
    "approve",
    {"answer": {"type": "string", "title": "答复", "enum": ["yes", "no"]}, "note": {"type": "string", "title": "备注"}},
    required=["answer"],
)


def order(name: str = "订单", late: str = "'P1D'") -> bytes:
    """Fill in, price, approve (one day, or withdrawn), tell, wait for the payment."""
    late_name = f"{name}过期"
    return bpmn(
        [
            start("o_start"),
            user("o_fill", props={"form": "fill", "result": "amount"}),
            service_("o_price", props={"operation": "order.price", "result": "price"}),
            user("o_approve", props={"form": "approve", "operation": "order.approve", "result": "answer"}),
            border("o_late", "o_approve", timer(late), name=late_name, props={"outcome": "late"}),
            border("o_withdraw", "o_approve", about("M_withdraw"), props={"outcome": "withdrawn", "key": "order_id"}),
            choice("o_agreed", default="f_o_agreed_o_fill"),
            throw("o_tell", about("M_approved")),
            catch("o_paid", about("M_paid"), props={"key": "order_id"}),
            end("o_done", "done"),
            end("o_late_end", "late"),
            end("o_withdrawn", "withdrawn"),
        ],
        [
            "o_start>o_fill",
            "o_fill>o_price",
            "o_price>o_approve",
            "o_approve>o_agreed",
            "o_agreed>o_fill",
            "o_agreed>o_tell: answer == 'yes'",
            "o_tell>o_paid",
            "o_paid>o_done",
            "o_late>o_late_end",
            "o_withdraw>o_withdrawn",
        ],
        key="order",
        declared=message_("M_withdraw", variable="reason")
        + message_("M_approved", payload="{'key': order_id, 'value': amount}")
        + message_("M_paid", variable="payment"),
        extra='<bpmn:extensionElements><spiffworkflow:properties><spiffworkflow:property name="offer" '
        'value="order.offer"/></spiffworkflow:properties></bpmn:extensionElements>',
    ).encode()


def pair() -> bytes:
    """Two user tasks at once, then the end."""
    return bpmn(
        [
            start("p_start"),
            el("parallelGateway", "p_fork"),
            user("p_left", props={"form": "left"}),
            user("p_right", props={"form": "right"}),
            el("parallelGateway", "p_join"),
            end("p_end"),
        ],
        ["p_start>p_fork", "p_fork>p_left", "p_fork>p_right", "p_left>p_join", "p_right>p_join", "p_join>p_end"],
        key="pair",
    ).encode()


def reminder() -> bytes:
    """A user task with three weekly reminders beside it."""
    return bpmn(
        [
            start("r_start"),
            user("r_do", props={"form": "do"}),
            border("r_week", "r_do", timer("'R3/P7D'", "timeCycle"), cancelActivity="false"),
            service_("r_tell", props={"operation": "remind"}),
            end("r_side", props={"side": "true"}),
            end("r_end"),
        ],
        ["r_start>r_do", "r_do>r_end", "r_week>r_tell", "r_tell>r_side"],
        key="reminder",
    ).encode()


FILES = {
    "order.bpmn": order(),
    "fill.json": FILL,
    "approve.json": APPROVE,
    "pair.bpmn": pair(),
    "left.json": form("left"),
    "right.json": form("right"),
    "reminder.bpmn": reminder(),
    "do.json": form("do"),
}


@dataclass
class Toy:
    """A door: units of work with commit and roll-back, a clock that tests move, and operations that tests change."""

    engine: Engine
    now: datetime = NOW
    handlers: dict[str, Callable[[Context, Call], Any]] = field(default_factory=dict)
    reminded: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.handlers |= {
            "order.price": lambda ctx, call: call.data["amount"] * 2,
            "order.approve": lambda ctx, call: call.values["answer"] if call.values else None,
            "order.offer": lambda ctx, call: Offer(
                candidate_group="desk", priority=2, due_at=ctx.now + timedelta(hours=1)
            ),
            "remind": lambda ctx, call: self.reminded.append(ctx.now),
        }

    @contextmanager
    def unit(self, actor: str = "岗01") -> Iterator[Context]:
        with self.engine.begin() as connection:
            yield self.context(connection, actor)

    def context(self, connection: Any, actor: str = "岗01") -> Context:
        return Context(connection, self.now, actor, self.handlers)

    def do(self, verb: Callable[..., R], *args: Any, actor: str = "岗01", **more: Any) -> R:
        """One unit of work; a failed step is recorded in a second one and raised again."""
        try:
            with self.unit(actor) as ctx:
                return verb(ctx, *args, **more)
        except StepFailedError as failure:
            with self.unit("system") as ctx:
                instances.mark_stuck(ctx, failure)
            raise

    def deploy(self, files: Mapping[str, bytes] = FILES, **more: Any) -> definitions.Deployment:
        return self.do(definitions.deploy, files, reason="测试", **more)

    def start(self, process: str = "order", key: str = "7", **data: Any) -> int:
        return self.do(instances.start, process, key, {"order_id": int(key), **data}).instance_id

    def rows(self, table: Table, **where: Any) -> list[Any]:
        with self.engine.connect() as connection:
            query = select(table).where(*(table.c[name] == value for name, value in where.items()))
            return list(connection.execute(query.order_by(*table.primary_key.columns)))

    def count(self, table: Table) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

    def task(self, element: str, **where: Any) -> Any:
        (row,) = self.rows(db.user_task, element_id=element, **where)
        return row

    def complete(self, element: str, actor: str = "岗01", **values: Any) -> instances.Step:
        row = self.task(element)
        return self.do(instances.complete, row.id, values, row.revision, actor=actor)

    def complete_of(self, key: str, element: str, **values: Any) -> instances.Step:
        row = self.task(element, business_key=key)
        return self.do(instances.complete, row.id, values, row.revision)

    def to_approval(self, key: str = "7") -> int:
        instance_id = self.start("order", key)
        row = self.task("o_fill", instance_id=instance_id)
        self.do(instances.complete, row.id, {"amount": 21}, row.revision)
        return instance_id

    def tick(self, node: str = "n1") -> int:
        """Fire what is due and deliver what is wanted; how many steps that were."""
        steps = 0
        for timer_ in self.do(timers.claim_due, node, 100, LEASE, actor="system"):
            steps += self.do(instances.fire, timer_, actor="system") is not None
        while due := self.do(messages.claim_due, node, 100, LEASE, actor="system"):
            for message in due:
                steps += self.do(messages.deliver, message, actor="system") is not None
        return steps

    def outcomes(self, instance_id: int) -> list[tuple[str, str | None]]:
        return [(row.element_id, row.outcome) for row in self.rows(db.history, instance_id=instance_id)]

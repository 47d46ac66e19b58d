"""User tasks: my work, one task with its form, claim, release, complete."""

from __future__ import annotations

from engine import tasks
from webapp import desk as verbs
from webapp.api import schemas, shapes
from webapp.api.operations import Answer, Given, fields, operation
from webapp.api.reading import reading
from webapp.current import current_desk, current_person
from webapp.queries import keyset, work

TOKEN = {
    "type": "integer",
    "title": "版本",
    "minimum": 0,
    "maximum": 2**31 - 1,
    "description": "`token` of the task as it was read; 409 where it has changed since.",
}
LISTED = fields(
    "list_tasks",
    "任务查询",
    list={
        "type": "string",
        "title": "清单",
        "enum": ["mine", "pool"],
        "default": "mine",
        "description": "mine: what I have; pool: what is offered to my groups and nobody has.",
    },
    after={
        "type": "string",
        "title": "翻页位置",
        "minLength": 1,
        "maxLength": 120,
        "description": "`after` of the page before.",
    },
)
VERSION = fields("version", "任务版本", ["token"], token=TOKEN)
COMPLETE = fields(
    "complete",
    "完成任务",
    ["token", "values"],
    token=TOKEN,
    values={"type": "object", "title": "表单内容", "description": "By the `form` of the task."},
)
CHANGED = schemas.record(id=schemas.TEXT, token=schemas.NUMBER)
COMPLETED = schemas.record(
    opened={**schemas.many(schemas.TEXT), "description": "The tasks that are open now because of it."},
    ended={**schemas.FLAG, "description": "Whether the process is over."},
)


@operation(
    "GET",
    "/tasks",
    summary="List my tasks",
    query=LISTED,
    answers={200: schemas.record(tasks=schemas.many(schemas.ref("Task")), after=schemas.AFTER)},
)
def list_tasks(given: Given) -> Answer:
    """What I have or what my groups are offered, the most urgent first, 50 a page."""
    after = keyset.unpack_task(given.query["after"]) if "after" in given.query else None
    find = work.pool if given.query["list"] == "pool" else work.mine
    with reading() as ctx:
        page = find(ctx.connection, current_person(), after)
        return Answer({"tasks": [shapes.task(row) for row in page.rows], "after": page.after})


@operation(
    "GET", "/tasks/<task_id>", summary="Read a task", refusals=(404, 409), answers={200: schemas.ref("WholeTask")}
)
def read_task(given: Given, task_id: str) -> Answer:
    """An open task with the JSON Schema of its form. 409 says by whom and when a task was finished."""
    with reading() as ctx:
        return Answer(shapes.whole_task(tasks.get(ctx, task_id)))


@operation(
    "POST",
    "/tasks/<task_id>/claim",
    summary="Take a task",
    body=VERSION,
    refusals=(404, 409),
    answers={200: CHANGED},
)
def claim_task(given: Given, task_id: str) -> Answer:
    """A task that is offered to one of my groups becomes mine; again changes nothing."""
    token = verbs.claim(current_desk(), current_person(), task_id, given.body["token"])
    return Answer({"id": task_id, "token": token})


@operation(
    "POST",
    "/tasks/<task_id>/release",
    summary="Give a task back",
    body=VERSION,
    refusals=(404, 409),
    answers={200: CHANGED},
)
def release_task(given: Given, task_id: str) -> Answer:
    """A task of mine goes back to its group."""
    token = verbs.release(current_desk(), current_person(), task_id, given.body["token"])
    return Answer({"id": task_id, "token": token})


@operation(
    "POST",
    "/tasks/<task_id>/complete",
    summary="Complete a task",
    body=COMPLETE,
    keyed=False,
    refusals=(404, 409),
    answers={200: COMPLETED},
)
def complete_task(given: Given, task_id: str) -> Answer:
    """Hand in the form. One that is offered to a group of mine needs no claim before.

    The same key again answers what the first arrival led to.
    """
    values, token = given.body["values"], given.body["token"]
    done = verbs.complete(current_desk(), current_person(), task_id, values, token, key=given.key)
    return Answer({"opened": done.opened, "ended": done.ended})

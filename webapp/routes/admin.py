"""Administration: groups with their people, the table of rights, deployments."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from handlers import reference
from webapp.language import N_
from webapp.queries import admin as queries
from webapp.queries import rules
from webapp.rights import RELATIONS, RIGHTS
from webapp.routes.blueprint import pages
from webapp.routes.reading import reading
from webapp.routes.words import STATES

# What each right lets somebody do, as staff say it.
ACTIONS = {
    "report": N_("登记事件"),
    "read": N_("查看"),
    "complete": N_("办理任务"),
    "draft": N_("保存任务草稿"),
    "claim": N_("领取任务"),
    "release": N_("放回任务"),
    "assign": N_("指定办理人"),
    "delegate": N_("请人代办"),
    "comment": N_("补充说明"),
    "hold": N_("置为等待"),
    "resume": N_("恢复处理"),
    "withdraw": N_("用户撤销"),
    "reassign": N_("重新分派"),
    "raise": N_("登记自己发现的事件"),
    "alarm": N_("接收告警"),
    "attach": N_("添加附件"),
    "supplement": N_("补充信息"),
    "bind": N_("绑为从事件"),
    "link": N_("关联事件"),
    "add_child": N_("建立子单"),
    "cancel_child": N_("取消子单"),
    "open_problem": N_("建立问题单"),
    "escalate": N_("升级"),
    "contact.read": N_("查看联系方式"),
    "request": N_("客户报告事件"),
    "read_own": N_("客户查看自己的事件"),
    "answer": N_("客户答复"),
    "confirm": N_("客户确认"),
    "withdraw_own": N_("客户撤销"),
    "customer_link": N_("给客户查询链接"),
    "board.read": N_("查看看板"),
    "export": N_("导出"),
    "instance.read": N_("查看流程实例"),
    "instance.retry": N_("重试卡住的步骤"),
    "instance.reopen": N_("交还卡住的任务"),
    "instance.suspend": N_("暂停流程实例"),
    "instance.resume": N_("恢复流程实例"),
    "instance.cancel": N_("取消流程实例"),
    "deploy": N_("部署流程"),
    "rule.draft": N_("起草规则改动"),
    "rule.approve": N_("批准规则改动"),
    "admin.read": N_("查看管理页"),
    "person.manage": N_("管理账号"),
    "reference.change": N_("修改参考数据"),
}
RELATION_WORDS = {
    "assignee": N_("办理人本人"),
    "candidate": N_("任务所在组（还没人领取）"),
    "successor": N_("任务所在组（办理人已离开）"),
    "colleague": N_("任务所在组"),
    "responsible": N_("负责人和负责组"),
    "recorder": N_("登记人"),
    "reporter": N_("报告人本人"),
}


@pages.get("/admin/groups", endpoint="admin_groups")
def groups() -> ResponseReturnValue:
    """Every group with its posts and who stands on them; empty ones are marked."""
    with reading() as reader:
        connection = reader.ctx.connection
        names = {row["account"]: row["name"] for row in queries.people(connection) if row["active"]}
        standing: dict[tuple[str, str], list[str]] = {}
        for account, held in queries.posts_of_all(connection).items():
            for place in held if account in names else ():
                standing.setdefault(place, []).append(account)
        posts = reference.rows(reader.ctx, "posts")
        listed: list[dict[str, Any]] = []
        for group in reference.rows(reader.ctx, "groups"):
            own = [("", _("没有岗位")), *((row["key"], row["name"]) for row in posts if row["group"] == group["key"])]
            places = [(key, name, standing.get((group["key"], key), [])) for key, name in own]
            shown = [place for place in places if place[0] or place[2]]
            department = reader.name("departments", group.get("department"))
            listed.append({"row": group, "department": department, "posts": shown})
    return render_template("admin_groups.html", here="admin", groups=listed, names=names)


@pages.get("/admin/rights", endpoint="admin_rights")
def rights() -> ResponseReturnValue:
    """The table of rights as it is checked, action by action."""
    with reading() as reader:
        roles = [(row["key"], row["name"]) for row in reference.rows(reader.ctx, "roles") if row["key"] != "system"]
        rows = [
            {
                "action": right.action,
                "words": _(ACTIONS.get(right.action, right.action)),
                "roles": right.who - RELATIONS.keys(),
                "relations": [_(RELATION_WORDS.get(who, who)) for who in sorted(right.who & RELATIONS.keys())],
                "states": None
                if right.states is None
                else [_(STATES[key][0]) for key in STATES if key in right.states],
            }
            for right in RIGHTS
        ]
    return render_template("admin_rights.html", here="admin", roles=roles, rows=rows)


@pages.get("/admin/deployments", endpoint="admin_deployments")
def deployments() -> ResponseReturnValue:
    """Who put what in force, when and why, newest first."""
    text = request.args.get("before", "")
    before = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
    with reading() as reader:
        rows = queries.deployments(reader.ctx.connection, before)
        changes = rules.became(reader.ctx.connection, [row["id"] for row in rows])
        people = reader.accounts(*(row["author"] for row in rows), *(change["reviewer"] for change in changes.values()))
    more = rows[-1]["id"] if len(rows) == 50 else None
    context = {"rows": rows, "changes": changes, "people": people, "more": more, "before": before}
    return render_template("admin_deployments.html", here="admin", **context)

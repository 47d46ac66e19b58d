"""The incident's facts in words: which label a column has, and which reference table its key belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from engine.context import Context
from handlers import reference
from webapp.language import N_
from webapp.routes.words import IMPACTS, PRIORITIES, STATES

LABELS: Mapping[str, str] = {
    "state": N_("状态"),
    "responsible_group": N_("负责组"),
    "responsible_person": N_("负责人"),
    "staff_number": N_("工号"),
    "customer_name": N_("报告人"),
    "customer_grade": N_("客户标识"),
    "phone": N_("电话"),
    "mobile": N_("手机"),
    "extension": N_("分机"),
    "customer_location": N_("报告人地点"),
    "email": N_("邮件"),
    "department": N_("所属部门"),
    "served": N_("服务对象"),
    "source": N_("来源"),
    "request_type": N_("请求类型"),
    "ci_affected": N_("影响配置项"),
    "summary": N_("概要"),
    "details": N_("详细信息"),
    "service_effect": N_("服务影响"),
    "affected_departments": N_("影响部门"),
    "occurred_at": N_("发生时间"),
    "recorded_at": N_("登记时间"),
    "configuration_items": N_("配置项"),
    "external_number": N_("对方单号"),
    "external_contact": N_("对方联系人"),
    "external_deadline": N_("要求完成"),
    "alarm_severity": N_("告警等级"),
    "alarm_number": N_("告警编号"),
    "alarm_text": N_("告警信息"),
    "alarm_trigger": N_("触发方式"),
    "alarm_account": N_("触发账号"),
    "prehandling": N_("预处理"),
    "failed_change": N_("失败变更"),
    "category": N_("类别"),
    "type": N_("子类"),
    "symptom": N_("现象"),
    "cause": N_("根源"),
    "service": N_("服务"),
    "location": N_("故障地点"),
    "impact": N_("影响程度"),
    "urgency": N_("紧急程度"),
    "priority": N_("优先级"),
    "escalated": N_("已升级"),
    "holder_group": N_("派到"),
    "analysis": N_("分析"),
    "diagnosis": N_("诊断"),
    "solution": N_("解决方案"),
    "workaround": N_("变通方法"),
    "agreed": N_("用户同意"),
    "agreement": N_("用户答复"),
    "recovery": N_("恢复操作"),
    "restored": N_("服务恢复"),
    "verification": N_("验证情况"),
    "satisfied": N_("用户满意"),
    "opinion": N_("用户意见"),
    "proposed_close_code": N_("拟关闭代码"),
    "close_code": N_("关闭代码"),
    "close_remark": N_("关闭说明"),
    "check_remark": N_("检查意见"),
    "problem_ref": N_("问题单"),
}
TABLES: Mapping[str, str] = {
    "source": "sources",
    "category": "categories",
    "type": "types",
    "symptom": "symptoms",
    "cause": "causes",
    "service": "services",
    "location": "locations",
    "customer_location": "locations",
    "department": "departments",
    "customer_grade": "customer_grades",
    "responsible_group": "groups",
    "holder_group": "groups",
    "proposed_group": "groups",
    "resolving_group": "groups",
    "waiting_code": "waiting_codes",
    "close_code": "close_codes",
    "proposed_close_code": "close_codes",
    "request_type": "request_types",
}
_RANKS: Mapping[str, Mapping[int, str]] = {"priority": PRIORITIES, "impact": IMPACTS}
_CODED = {"waiting_code", "close_code", "proposed_close_code"}


def value_words(
    ctx: Context, column: str, value: Any, *, moment: Callable[[datetime], str], people: Mapping[str, str]
) -> str:
    """A column's value as staff read it; empty for none."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return str(_("是") if value else _("否"))
    if column == "state":
        return str(_(STATES.get(value, (str(value), ""))[0]))
    if column in _RANKS:
        return f"{value} {_(_RANKS[column][value])}" if value in _RANKS[column] else str(value)
    if column.endswith("_person") or column in {"recorder", "resolver"}:
        return people.get(value, str(value))
    if column.endswith(("_at", "_deadline")):
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment(instant)
    if column in TABLES:
        name = reference.name(ctx, TABLES[column], str(value))
        return f"{value} {name}" if column in _CODED and name != value else name
    return str(value)

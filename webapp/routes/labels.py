"""The incident's facts in words: which label a column has, and which reference table its key belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engine.context import Context
from handlers import reference
from webapp.routes.words import IMPACTS, PRIORITIES, STATES

LABELS: Mapping[str, str] = {
    "state": "状态",
    "responsible_group": "负责组",
    "responsible_person": "负责人",
    "staff_number": "工号",
    "customer_name": "报告人",
    "customer_grade": "客户标识",
    "phone": "电话",
    "mobile": "手机",
    "extension": "分机",
    "customer_location": "报告人地点",
    "email": "邮件",
    "department": "所属部门",
    "served": "服务对象",
    "source": "来源",
    "request_type": "请求类型",
    "ci_affected": "影响配置项",
    "summary": "概要",
    "details": "详细信息",
    "service_effect": "服务影响",
    "affected_departments": "影响部门",
    "occurred_at": "发生时间",
    "recorded_at": "登记时间",
    "configuration_items": "配置项",
    "external_number": "对方单号",
    "external_contact": "对方联系人",
    "external_deadline": "要求完成",
    "alarm_severity": "告警等级",
    "alarm_number": "告警编号",
    "alarm_text": "告警信息",
    "alarm_trigger": "触发方式",
    "alarm_account": "触发账号",
    "prehandling": "预处理",
    "failed_change": "失败变更",
    "category": "类别",
    "type": "子类",
    "symptom": "现象",
    "cause": "根源",
    "service": "服务",
    "location": "故障地点",
    "impact": "影响程度",
    "urgency": "紧急程度",
    "priority": "优先级",
    "escalated": "已升级",
    "holder_group": "派到",
    "analysis": "分析",
    "diagnosis": "诊断",
    "solution": "解决方案",
    "workaround": "变通方法",
    "agreed": "用户同意",
    "agreement": "用户答复",
    "recovery": "恢复操作",
    "restored": "服务恢复",
    "verification": "验证情况",
    "satisfied": "用户满意",
    "opinion": "用户意见",
    "proposed_close_code": "拟关闭代码",
    "close_code": "关闭代码",
    "close_remark": "关闭说明",
    "check_remark": "检查意见",
    "problem_ref": "问题单",
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
        return "是" if value else "否"
    if column == "state":
        return STATES.get(value, (str(value), ""))[0]
    if column in _RANKS:
        return f"{value} {_RANKS[column].get(value, '')}".strip()
    if column.endswith("_person") or column in {"recorder", "resolver"}:
        return people.get(value, str(value))
    if column.endswith(("_at", "_deadline")):
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        return moment(instant)
    if column in TABLES:
        name = reference.name(ctx, TABLES[column], str(value))
        return f"{value} {name}" if column in _CODED and name != value else name
    return str(value)

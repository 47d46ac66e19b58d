"""How staff read an incident's columns and their values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.context import Context
from handlers import reference
from handlers.records.incidents import STATES
from handlers.records.numbers import ZONE

FIELDS: Mapping[str, str] = {
    "number": "事件编号",
    "state": "状态",
    "stage": "环节",
    "responsible_role": "责任角色",
    "responsible_group": "责任组",
    "responsible_person": "责任人",
    "recorder": "事件记录员",
    "recorder_group": "记录员所属组",
    "customer_id": "客户档案",
    "staff_number": "员工编号",
    "customer_name": "客户姓名",
    "customer_grade": "客户标识",
    "phone": "电话号码",
    "mobile": "手机",
    "extension": "分机",
    "customer_location": "所在地点",
    "email": "邮件地址",
    "department": "所属部门",
    "served": "属于服务对象",
    "source": "事件来源",
    "request_type": "请求类型",
    "ci_affected": "影响配置项",
    "summary": "概要",
    "details": "详细信息",
    "service_effect": "服务影响",
    "affected_departments": "影响部门",
    "occurred_at": "发生时间",
    "configuration_items": "关联配置项",
    "external_number": "对方单号",
    "external_contact": "对方联系人",
    "external_deadline": "对方要求时间",
    "alarm_severity": "告警级别",
    "alarm_number": "告警编号",
    "alarm_text": "告警信息",
    "alarm_trigger": "触发方式",
    "alarm_account": "触发人员账号",
    "prehandling": "预处理情况",
    "failed_change": "引发的失败变更",
    "recorded_at": "登记时间",
    "category": "类别",
    "type": "子类",
    "symptom": "现象",
    "cause": "根源",
    "service": "服务",
    "location": "地点",
    "impact": "影响程度",
    "urgency": "紧急程度",
    "priority": "优先级",
    "priority_provisional": "优先级为暂定",
    "escalated": "已升级",
    "proposed_group": "建议分派组",
    "proposed_post": "建议岗位",
    "holder_group": "最近派往",
    "dispatches": "派单次数",
    "transfers": "转派次数",
    "rejections": "解决驳回次数",
    "analysis": "分析",
    "diagnosis": "诊断",
    "found": "解决结论",
    "solution": "解决方案",
    "workaround": "变通方法",
    "agreed": "用户同意方案",
    "agreement": "用户答复",
    "recovery": "恢复操作",
    "restored": "服务已恢复",
    "verification": "验证情况",
    "resolver": "解决人",
    "resolving_group": "解决组",
    "resolved_at": "解决时间",
    "check_remark": "检查说明",
    "satisfied": "用户满意",
    "opinion": "用户意见",
    "proposed_close_code": "建议关闭代码",
    "close_code": "关闭代码",
    "close_remark": "关闭说明",
    "problem_ref": "问题单号",
    "withdrawn": "用户撤销",
    "closed_at": "关闭时间",
    "master_id": "主事件",
    "original_id": "复发的原事件",
}
# Columns that hold a key of a reference table.
TABLES: Mapping[str, str] = {
    "responsible_group": "groups",
    "recorder_group": "groups",
    "proposed_group": "groups",
    "holder_group": "groups",
    "resolving_group": "groups",
    "proposed_post": "posts",
    "customer_grade": "customer_grades",
    "customer_location": "locations",
    "location": "locations",
    "department": "departments",
    "source": "sources",
    "category": "categories",
    "type": "types",
    "symptom": "symptoms",
    "cause": "causes",
    "service": "services",
    "proposed_close_code": "close_codes",
    "close_code": "close_codes",
    "waiting_code": "waiting_codes",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "state": STATES,
    "responsible_role": {"desk": "服务台", "support": "支持人员", "recorder": "事件记录员"},
    "found": {"solution": "找到方案", "none": "没有找到", "transfer": "转派"},
    "alarm_trigger": {"automatic": "自动触发", "manual": "手工触发"},
    "alarm_severity": {"critical": "紧急", "major": "重要", "minor": "次要", "warning": "提示"},
}


def shown(ctx: Context, field: str, value: Any) -> str:
    """A column's value as staff read it: names for keys, 是 and 否, local time; "" for nothing.

    Values may come from the record or, as JSON, from its changes.
    """
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if field.endswith("_at") or field == "external_deadline":
        instant = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return instant.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
    if table := TABLES.get(field):
        return reference.name(ctx, table, value)
    return _WORDS.get(field, {}).get(value, str(value))

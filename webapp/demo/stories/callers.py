"""Who calls, named by post, and what a call is written down as."""

from __future__ import annotations

from webapp.demo.script import customer

FAULT, QUESTION, BUSINESS, COMPLAINT = "故障", "咨询", "业务处理", "投诉"
HALL = customer(
    "城中营业厅-值班长岗", "public_customers", "0731-85550101", grade="主管", location="local_01", number="P10231"
)
CALL_CENTER = customer("客服中心-班长岗02", "customer_service", "0731-85550202", grade="主管", location="call_center")
FINANCE = customer("财务部-收入核算岗01", "finance", "0731-85550301", location="provincial_building", number="F20417")
MARKETING = customer("市场部-经理岗", "marketing", "0731-85550401", grade="经理", location="provincial_building")
ENTERPRISE = customer("政企客户部-客户经理岗05", "government_enterprise", "0731-85550505", number="G30088")
CHANNEL = customer("渠道运营部-佣金管理岗01", "channels", "0731-85550601", number="Q40112")
RIVER = customer("江北分公司-受理岗03", "local_network", "0731-85550703", location="local_02", number="L51003")
LAKE = customer("湖滨分公司-维护岗01", "local_network", "0731-85550806", grade="外部转派", location="local_06")
NOC = customer("省NOC-值班岗", "network_operation", "0731-85550900", grade="外部转派")
NOBODY = customer("监控平台", "it_operation", "0731-85551000", grade="无")
REPORTER = customer("业务部门报告人01", "public_customers", "0731-85551201", location="local_01", number="B70016")
OFFICE = customer(
    "综合办公室-文秘岗01", "general_office", "0731-85551101", location="provincial_building", number="Z60021"
)


def record(source: str, kind: str, summary: str, details: str, **more: str) -> dict[str, str]:
    """What is typed at 1.4; ``kind`` is the type of request."""
    return {"source": source, "request_type": kind, "summary": summary, "details": details, **more}


def tree(category: str, type_: str, symptom: str, impact: int, **more: str) -> dict[str, str | int]:
    """What is typed at 2.2; type and symptom are named within their category."""
    kind = f"{category}.{type_}"
    return {"category": category, "type": kind, "symptom": f"{kind}.{symptom}", "impact": impact, **more}

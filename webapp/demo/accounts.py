"""Demo accounts: one for every role and post of the handbook's chapter 3, named by their posts; no invented persons."""

from __future__ import annotations

from dataclasses import dataclass, field

PASSWORD = "lovem-demo"  # noqa: S105  (known to everybody: these accounts are refused outside demo mode)


@dataclass(frozen=True, slots=True)
class Account:
    """One demo account; ``posts`` are pairs of group and post (keys of the reference tables)."""

    account: str
    name: str
    posts: tuple[tuple[str, str], ...] = ()
    roles: tuple[str, ...] = field(default=("support",))
    phone: str | None = None


def _desk(account: str, name: str, post: str, *more: tuple[str, str]) -> Account:
    """Somebody of the service desk; a post of the incident manager makes him a manager, too (§3.3)."""
    roles = ("desk", "manager") if any(group == "manager" for group, _ in more) else ("desk",)
    return Account(account, name, (("desk", post), *more), roles)


def _group(key: str, account: str, name: str, post: str) -> tuple[Account, ...]:
    """The usual group: a leader and two support posts."""
    return (
        Account(f"{account}-lead", f"{name}-组长", ((key, f"{key}_leader"),)),
        Account(f"{account}01", f"{name}-支持岗01", ((key, post),)),
        Account(f"{account}02", f"{name}-支持岗02", ((key, post),)),
    )


def _leader_and(key: str, account: str, name: str, lead: str, *posts: tuple[str, str, str]) -> tuple[Account, ...]:
    """A group whose posts differ; ``posts`` are account, name and post key."""
    leader = Account(f"{account}-lead", f"{name}-{lead}", ((key, f"{key}_leader"),))
    return (leader, *(Account(own, f"{name}-{title}", ((key, post),)) for own, title, post in posts))


ACCOUNTS: tuple[Account, ...] = (
    # 服务台 (§3.4)
    _desk("interface01", "省客服接口岗01", "desk_customer_service"),
    _desk("monitoring01", "监控操作岗01", "desk_monitoring"),
    _desk("reception01", "服务受理岗01", "desk_reception"),
    _desk("reception02", "服务受理岗02", "desk_reception"),
    _desk("quality01", "服务质监岗01", "desk_quality", ("manager", "manager_b_quality")),
    _desk("analysis01", "服务分析岗01", "desk_analysis", ("manager", "manager_b_analysis")),
    _desk("manager01", "服务台经理01（事件经理A岗）", "desk_manager", ("manager", "manager_a")),
    # 支持人员 (§3.5)
    *_group("billing_accounts", "accounts", "计费账务组", "billing_accounts_support"),
    *_group("billing_apps", "billing", "计费应用组", "billing_apps_support"),
    *_group("settlement", "settlement", "结算组", "settlement_support"),
    *_group("crm", "crm", "CRM组", "crm_support"),
    *_group("non_crm", "noncrm", "非CRM组", "non_crm_support"),
    *_leader_and(
        "operations",
        "operations",
        "运行组",
        "组长",
        ("operations-bss01", "BSS系统运行岗01", "ops_bss"),
        ("operations-mo01", "M&O系统运行岗01", "ops_mo"),
        ("operations-terminal01", "终端维护岗01", "ops_terminal"),
        ("operations-backup01", "数据备份岗01", "ops_backup"),
    ),
    *_leader_and(
        "support",
        "support",
        "支持组",
        "组长",
        ("support-host01", "主机和存储支持岗01", "support_host"),
        ("support-database01", "数据库支持岗01", "support_database"),
        ("support-network01", "网络支持岗01", "support_network"),
        ("support-security01", "信息安全岗01", "support_security"),
    ),
    # 领导小组, 流程负责人, 维护组 (§3.1, §3.2, chapter 7)
    Account("leaders01", "领导小组-组长01", (("leaders", "leaders_head"),), ("leaders",)),
    Account("leaders02", "领导小组-成员01", (("leaders", "leaders_member"),), ("leaders",)),
    Account("owner01", "事件管理流程负责人01", (("owner", "process_owner"),), ("owner",)),
    Account("maintenance01", "流程维护组01", (), ("maintenance",)),
    # Whom the process works with (§4.1)
    *_leader_and("planning", "planning", "规建部", "负责岗", ("planning01", "需求协查岗01", "planning_check")),
    *_leader_and("local_desk", "local", "本地网服务台", "负责岗", ("local01", "受理岗01", "local_desk_reception")),
    *_leader_and("change", "change", "变更管理", "变更经理岗", ("change01", "实施岗01", "change_implementation")),
    *_leader_and(
        "requirement", "requirement", "需求管理", "需求经理岗", ("requirement01", "处理岗01", "requirement_processing")
    ),
    *_leader_and("problem", "problem", "问题管理", "问题经理岗", ("problem01", "分析岗01", "problem_analysis")),
    Account("monitoring", "监控平台", (), ("monitoring",), "0731-85550199"),  # a program: it works by token
    Account("customer01", "业务部门报告人01", (("customer", "customer_reporter"),), ("customer",)),
)

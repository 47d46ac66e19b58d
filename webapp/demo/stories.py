"""Two dozen demo incidents in all stages, as a provincial telecom's service desk would have them on one morning."""

from __future__ import annotations

from webapp.demo.script import (
    Story,
    accepted,
    ago,
    analysed,
    asked,
    checked,
    classified,
    closed,
    customer,
    dispatched,
    held,
    noted,
    restored,
    resumed,
    returned,
    sent_again,
    solved,
    thirty_days_pass,
    transferred,
    withdrawn,
)

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
OFFICE = customer(
    "综合办公室-文秘岗01", "general_office", "0731-85551101", location="provincial_building", number="Z60021"
)


def _record(source: str, kind: str, summary: str, details: str, **more: str) -> dict[str, str]:
    return {"source": source, "request_type": kind, "summary": summary, "details": details, **more}


def _class(category: str, type_: str, symptom: str, impact: int, **more: str) -> dict[str, str | int]:
    kind = f"{category}.{type_}"
    return {"category": category, "type": kind, "symptom": f"{kind}.{symptom}", "impact": impact, **more}


STORIES: tuple[Story, ...] = (
    # 已关闭
    Story(
        ago(days=36, hours=3),
        "reception02",
        CHANNEL,
        _record(
            "phone", FAULT, "代理商佣金结果表打不开", "佣金管理岗反映上月佣金结果表查询时报“服务不可用”，其他报表正常。"
        ),
        _class("agent", "app", "error", 3),
        (
            dispatched(9, "reception02", "settlement"),
            accepted(21, "settlement01"),
            solved(
                70,
                "settlement01",
                "报表服务进程不在，其余服务正常。",
                "昨夜巡检重启主机后报表服务没有随机启动。",
                "启动报表服务，并加入开机自启动。",
                "agent.app.exit",
            ),
            restored(
                25,
                "settlement01",
                "同意立即启动服务",
                "启动报表服务，查询恢复。",
                "客户端查询三次均正常。",
                "agent.app.exit",
            ),
            checked(40, "reception02"),
            thirty_days_pass(),
        ),
    ),
    Story(
        ago(days=4, hours=22),
        "reception01",
        HALL,
        _record(
            "phone",
            FAULT,
            "城中营业厅 CRM 开户界面报错",
            "开户受理提交时提示“号码资源锁定失败”，三个台席都一样，客户在排队。",
        ),
        _class("crm", "app", "error", 2, service="acceptance", location="local_01"),
        (
            dispatched(6, "reception01", "crm"),
            accepted(11, "crm01"),
            solved(
                55,
                "crm01",
                "号码资源表存在未释放的锁。",
                "昨晚批量导入号码的会话异常中断，锁没有释放。",
                "清理异常会话，释放号码锁。",
                "crm.app.exit",
            ),
            restored(
                20,
                "crm01",
                "营业厅同意马上处理",
                "终止异常会话，号码锁释放。",
                "营业厅当场开户两笔成功。",
                "crm.app.exit",
            ),
            asked(35, "reception01", "已能正常开户，满意"),
            closed(5, "reception01", "C01", "清理异常会话并释放号码锁，开户恢复。"),
        ),
    ),
    Story(
        ago(days=4, hours=15),
        "monitoring01",
        NOBODY,
        _record(
            "alarm",
            FAULT,
            "计费库表空间使用率 96%",
            "监控平台上报计费库 TBS_CDR 表空间使用率超过阈值，按当前增长约 5 小时写满。",
            alarm_severity="major",
            alarm_number="ALM-20417",
            alarm_text="TBS_CDR usage 96%",
            alarm_trigger="automatic",
        ),
        _class("bss_infra", "database", "tablespace", 3),
        (
            dispatched(4, "monitoring01", "operations"),
            accepted(14, "operations-bss01"),
            solved(
                45,
                "operations-bss01",
                "增长来自历史话单未按计划归档。",
                "归档作业因目标目录写满而跳过了两天。",
                "扩充数据文件 64G，恢复归档作业。",
                "bss_infra.database.space",
            ),
            restored(
                30,
                "operations-bss01",
                "值班同意在线扩容",
                "新增两个数据文件，补跑归档。",
                "使用率回落到 71%，告警消除。",
                "bss_infra.database.space",
            ),
            checked(20, "monitoring01", "监控平台上告警已消除"),
            closed(6, "monitoring01", "C01", "扩充表空间并恢复归档作业，告警已消除。"),
        ),
    ),
    Story(
        ago(days=3, hours=20),
        "reception01",
        FINANCE,
        _record(
            "email", BUSINESS, "收入报表三张数据对不上", "九月收入稽核时发现三张报表合计相差 1.2 万元，请核对口径。"
        ),
        _class("mss", "app", "error", 4),
        (
            dispatched(25, "reception01", "non_crm"),
            accepted(50, "noncrm02"),
            noted(60, "noncrm02", "已向财务部要到三张报表的取数口径。"),
            solved(
                180,
                "noncrm02",
                "差额全部来自跨月调账。",
                "其中一张报表按入账日取数，其余按业务发生日取数。",
                "统一改为按业务发生日取数。",
                "mss.app.config",
            ),
            restored(
                60,
                "noncrm02",
                "财务部同意统一口径",
                "修改报表取数条件并重跑。",
                "三张报表合计一致。",
                "mss.app.config",
            ),
            asked(240, "reception01", "数据一致了，谢谢"),
            closed(10, "reception01", "C01", "三张报表统一按业务发生日取数。"),
        ),
    ),
    Story(
        ago(days=3, hours=9),
        "reception02",
        OFFICE,
        _record("phone", FAULT, "会议室打印机无法打印", "三楼会议室打印机提示脱机，下午有会要印材料。"),
        _class("terminal", "hardware", "print", 4, location="provincial_building"),
        (
            dispatched(8, "reception02", "operations"),
            withdrawn(40, "reception02", "用户来电：换到隔壁打印机打好了，不用处理。"),
            closed(4, "reception02", "C06", "用户自行更换打印机，撤回请求。"),
        ),
    ),
    # 已解决
    Story(
        ago(days=2, hours=21),
        "reception01",
        CALL_CENTER,
        _record(
            "customer_service",
            COMPLAINT,
            "用户投诉停机后缴费未复机",
            "省客服转来：用户 10:12 缴费成功，两小时后仍停机，用户情绪激动。",
            external_number="KF-88213",
            external_contact="客服中心-班长岗02 0731-85550202",
            external_deadline="+30h",
        ),
        _class("hb", "data", "stop_resume", 3, service="stop_resume"),
        (
            dispatched(5, "reception01", "billing_accounts"),
            accepted(16, "accounts01"),
            solved(
                40,
                "accounts01",
                "缴费已入账，复机指令未发。",
                "缴费接口返回超时，复机指令进入重发队列后被丢弃。",
                "人工补发复机指令，并修正重发队列的丢弃条件。",
                "hb.data.data",
            ),
            restored(
                35,
                "accounts01",
                "客服同意先补发指令",
                "补发复机指令 17 条。",
                "抽查 5 个号码均已复机。",
                "hb.data.data",
            ),
        ),
    ),
    Story(
        ago(days=1, hours=22),
        "interface01",
        RIVER,
        _record(
            "local_network",
            FAULT,
            "江北分公司 OSS 工单不同步",
            "江北本地网反映 OSS 与营业系统间工单状态不同步，约 40 张停在“派发中”。",
            external_number="JB-1107",
            external_contact="江北分公司-受理岗03",
            prehandling="已在本地重启接口机，仍不同步。",
        ),
        _class("oss", "interface", "mismatch", 2, location="local_02"),
        (
            dispatched(12, "interface01", "non_crm"),
            accepted(19, "noncrm01"),
            solved(
                130,
                "noncrm01",
                "接口消息积压在 OSS 侧。",
                "OSS 侧接口证书昨日过期，消息被拒收。",
                "更换接口证书，重放积压消息。",
                "oss.interface.credential",
            ),
            restored(
                30,
                "noncrm01",
                "分公司同意在午间重放",
                "换证书后重放 43 条消息。",
                "工单状态全部一致。",
                "oss.interface.credential",
            ),
            checked(50, "interface01"),
        ),
    ),
    Story(
        ago(hours=26),
        "monitoring01",
        NOC,
        _record(
            "noc",
            FAULT,
            "省中心机房汇聚交换机端口告警",
            "省NOC 通知三号汇聚交换机一个上联端口频繁闪断，业务走备用链路。",
            external_number="NOC-3309",
            external_contact="省NOC-值班岗",
            external_deadline="+36h",
        ),
        _class("production_network", "device", "port_alarm", 3, location="provincial_machine_room"),
        (
            dispatched(3, "monitoring01", "operations"),
            accepted(9, "operations-mo01"),
            solved(
                50,
                "operations-mo01",
                "仅一个端口闪断，光功率偏低。",
                "光模块老化，收光低于门限。",
                "更换光模块。",
                "production_network.device.module",
            ),
            restored(
                40,
                "operations-mo01",
                "省NOC 同意立即更换",
                "更换上联端口光模块。",
                "观察两小时无闪断。",
                "production_network.device.module",
            ),
        ),
    ),
    # 已解决后用户不满意
    Story(
        ago(days=2, hours=6),
        "reception02",
        ENTERPRISE,
        _record(
            "phone", FAULT, "集团客户账单多收月租", "某集团客户 86 个号码本月各多收 5 元月租，要求更正并出具说明。"
        ),
        _class("hb", "data", "bill", 3, service="invoice"),
        (
            dispatched(10, "reception02", "billing_accounts"),
            accepted(25, "accounts02"),
            solved(
                150,
                "accounts02",
                "多收部分均来自同一优惠到期。",
                "优惠到期日比合同早了一个月。",
                "更正优惠到期日并补退费用。",
                "hb.data.entry",
            ),
            restored(
                60,
                "accounts02",
                "客户经理同意次月账单退费",
                "更正 86 个号码的优惠到期日。",
                "试算账单金额正确。",
                "hb.data.entry",
            ),
            asked(300, "reception02", "客户要求本月内退费，不接受次月抵扣", satisfied=False),
        ),
    ),
    # 处理中
    Story(
        ago(hours=20),
        "reception01",
        MARKETING,
        _record(
            "phone",
            FAULT,
            "掌上营业厅套餐办理页面空白",
            "市场部反映“双十二”套餐办理页面打开空白，活动明早开始宣传。",
        ),
        _class("e_channel", "app", "page", 2, service="online_hall"),
        (
            dispatched(5, "reception01", "non_crm"),
            accepted(13, "noncrm01"),
            solved(
                110,
                "noncrm01",
                "仅新版本客户端出现。",
                "新版本请求的静态资源未发布到全部节点。",
                "补发静态资源到全部节点。",
                "e_channel.app.release",
            ),
        ),
    ),
    Story(
        ago(hours=9),
        "monitoring01",
        NOBODY,
        _record(
            "alarm",
            FAULT,
            "OCS 扣费接口响应超过 3 秒",
            "监控平台上报 OCS 扣费接口平均响应 3.4 秒，阈值 1 秒，未见失败。",
            alarm_severity="critical",
            alarm_number="ALM-20533",
            alarm_text="OCS charge latency 3.4s",
            alarm_trigger="automatic",
        ),
        _class("ocs", "app", "slow", 1, service="prepaid"),
        (
            dispatched(3, "monitoring01", "billing_apps"),
            accepted(8, "billing01"),
            analysed(35, "billing01", "两个节点中的一个队列明显更长，已把流量切到另一个节点观察。"),
        ),
    ),
    Story(
        ago(hours=30),
        "reception02",
        LAKE,
        _record(
            "local_network",
            FAULT,
            "湖滨分公司 VPN 拨入间歇失败",
            "湖滨本地网三名维护人员拨入 VPN 时好时坏，重拨三四次才能成功。",
            external_number="HB-0612",
            external_contact="湖滨分公司-维护岗01",
            prehandling="已更换客户端和网络，现象相同。",
        ),
        _class("vpn", "device", "dial", 3, location="local_06"),
        (
            dispatched(15, "reception02", "operations"),
            accepted(30, "operations-mo01"),
            analysed(90, "operations-mo01", "失败集中在第二台网关，会话数接近许可上限。"),
            noted(200, "operations-mo01", "已要求厂商确认许可数，白天先把湖滨的接入指到第一台网关。"),
        ),
    ),
    Story(
        ago(hours=7),
        "reception01",
        CALL_CENTER,
        _record(
            "hotline",
            FAULT,
            "10000号座席查不到用户套餐",
            "多名座席查询用户套餐时返回空，用户等待时间变长。",
            external_number="WH-5521",
            external_contact="客服中心-班长岗02",
            external_deadline="+10h",
        ),
        _class("crm", "interface", "timeout", 2, service="customer_data", location="call_center"),
        (dispatched(6, "reception01", "crm"), accepted(15, "crm02")),
    ),
    # 等待
    Story(
        ago(days=2, hours=2),
        "reception01",
        FINANCE,
        _record("phone", BUSINESS, "综合结算与省际账单差异", "十月省际结算应收与对方账单相差 3.6 万元，请核对话单。"),
        _class("settlement", "data", "settlement", 3, service="network_settlement"),
        (
            dispatched(20, "reception01", "settlement"),
            accepted(40, "settlement02"),
            analysed(200, "settlement02", "差异集中在两天，需要对方提供明细话单比对。"),
            held(30, "settlement02", "W07", "已发函请对方提供两天的明细话单", 96),
        ),
    ),
    Story(
        ago(days=1, hours=5),
        "reception02",
        OFFICE,
        _record("portal", FAULT, "办公电脑每天下午蓝屏", "综合办公室一台电脑每天下午三四点蓝屏，重启后正常。"),
        _class("terminal", "hardware", "crash", 4, location="department_office"),
        (
            dispatched(30, "reception02", "operations"),
            accepted(55, "operations-terminal01"),
            held(20, "operations-terminal01", "W02", "用户下午开会，约定明天上门", 40),
        ),
    ),
    Story(
        ago(days=3, hours=1),
        "monitoring01",
        NOBODY,
        _record(
            "inspection",
            FAULT,
            "备份库磁盘一块预警",
            "巡检发现备份存储一块磁盘报预测失效，阵列仍为保护状态。",
        ),
        _class("storage", "storage", "disk", 4, location="provincial_machine_room"),
        (
            dispatched(10, "monitoring01", "operations"),
            accepted(45, "operations-backup01"),
            analysed(60, "operations-backup01", "预测失效的是热备之外的数据盘，需更换。"),
            held(15, "operations-backup01", "W06", "备件已下单，厂商三天内送到", 72),
            resumed(2900, "operations-backup01", "备件已到机房"),
            held(300, "operations-backup01", "W09", "等待今晚维护窗口更换", 20),
        ),
    ),
    # 退回、转派
    Story(
        ago(hours=11),
        "reception01",
        ENTERPRISE,
        _record("phone", FAULT, "集团客户自服务网站打不开", "集团客户反映自服务网站域名解析不到，直接输地址可以访问。"),
        _class("e_channel", "app", "down", 3),
        (
            dispatched(8, "reception01", "non_crm"),
            returned(35, "noncrm02", "网站本身正常，是域名解析不到，现象应为 DNS 无法解析。"),
        ),
    ),
    Story(
        ago(hours=5, minutes=30),
        "reception02",
        HALL,
        _record("phone", FAULT, "营业厅充值后余额不增加", "两名用户充值 100 元，短信已到账，查询余额没有变化。"),
        _class("abm", "data", "balance", 3, service="balance", location="local_01"),
        (
            dispatched(7, "reception02", "billing_accounts"),
            transferred(
                28,
                "accounts01",
                "billing_apps",
                "abm.data.upstream",
                "T1",
                "账务数据正确，余额同步任务在应用侧排队，需应用组处理。",
            ),
        ),
    ),
    Story(
        ago(hours=16),
        "reception01",
        CHANNEL,
        _record("email", FAULT, "联机采集昨夜话单晚到两小时", "渠道部核对时发现昨夜 2 点批次话单晚到两小时。"),
        _class("collection", "records", "late", 3, service="call_records"),
        (
            dispatched(18, "reception01", "billing_apps"),
            returned(40, "billing02", "话单按时产生，晚到发生在主机文件传输，请按主机类重新分派。"),
            sent_again(15, "reception01", "operations", "按退回说明改派运行组核查文件传输。"),
            accepted(22, "operations-bss01"),
        ),
    ),
    # 待受理
    Story(
        ago(minutes=52),
        "monitoring01",
        NOBODY,
        _record(
            "alarm",
            FAULT,
            "内部网络防火墙 CPU 持续 90%",
            "监控平台上报办公网防火墙 CPU 90% 已 15 分钟，访问略慢。",
            alarm_severity="minor",
            alarm_number="ALM-20588",
            alarm_text="FW-OA CPU 90% 15min",
            alarm_trigger="automatic",
        ),
        _class("intranet", "device", "congestion", 3, location="provincial_building"),
        (dispatched(3, "monitoring01", "operations"),),
    ),
    Story(
        ago(minutes=34),
        "reception01",
        MARKETING,
        _record("phone", FAULT, "CRM 批量导入客户名单失败", "市场部导入营销名单时提示“文件格式不符”，昨天还能导入。"),
        _class("crm", "app", "batch", 3, service="customer_data"),
        (dispatched(6, "reception01", "crm"),),
    ),
    Story(
        ago(minutes=21),
        "reception02",
        RIVER,
        _record("phone", FAULT, "江北营业厅无法查询用户账单", "江北两个营业厅查询历史账单超时，当月账单可以查。"),
        _class("hb", "app", "slow", 2, service="invoice", location="local_02"),
        (dispatched(5, "reception02", "billing_apps"),),
    ),
    # 待分派
    Story(
        ago(minutes=16),
        "reception01",
        OFFICE,
        _record("phone", QUESTION, "公文系统附件上限是多少", "综合办公室询问公文附件大小上限，上传 60 MB 材料失败。"),
        _class("mss", "app", "error", 4),
        (classified(6, "reception01"),),
    ),
    Story(
        ago(minutes=7),
        "reception02",
        ENTERPRISE,
        _record("phone", FAULT, "集团专线报障进度查询失败", "客户经理在 OSS 查询集团专线报障进度时提示无权限。"),
        _class("oss", "app", "error", 3),
        (),
    ),
    # 用户撤销，待关闭
    Story(
        ago(hours=3),
        "reception02",
        FINANCE,
        _record("phone", FAULT, "报账系统提交后没有单号", "财务部一名用户提交报账后页面没有返回单号，担心重复提交。"),
        _class("mss", "app", "page", 4),
        (
            dispatched(9, "reception02", "non_crm"),
            accepted(30, "noncrm02"),
            withdrawn(45, "reception02", "用户刷新后看到单号，来电撤回请求。"),
        ),
    ),
)

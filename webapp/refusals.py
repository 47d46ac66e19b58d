"""What ``engine`` and ``handlers`` refuse, in the language of the page; they raise Chinese sentences."""

from __future__ import annotations

from flask_babel import gettext as _

from engine.errors import EngineError, InvalidValuesError
from webapp.language import N_

# Constant sentences only: one with a name or number in it stays as it was raised.
SENTENCES = (
    N_("流程现在不接受这个操作"),
    N_("任务已被别人改动，请重新打开"),
    N_("流程在此期间已经前进"),
    N_("别人刚刚处理了这个流程"),
    N_("任务刚刚被别人改动，请重新打开"),
    N_("同一业务的流程正在结束，请重试"),
    N_("流程没有出错的步骤"),
    N_("出错的不是人工任务，只能重试或取消"),
    N_("更正了分类或影响程度，请填写原因"),
    N_("监控没有报告恢复，请写明怎样确认告警已消除"),
    N_("事件不在待受理状态，请刷新页面"),
    N_("请选择转派原因"),
    N_("退回服务台必须说明现象或分类错在哪里"),
    N_("没有这个关闭代码，或只能由系统设置"),
    N_("电话和手机至少填一个"),
    N_("请填写补充的内容"),
    N_("请填写还缺什么"),
    N_("没有这个单号的事件"),
    N_("请填写解决方案、变通方法或处理结论"),
    N_("该事件不能派给这个组，请从列表中选择"),
    N_("请选择故障根源分类"),
    N_("子单刚被他人修改，请刷新后再操作"),
    N_("请选择升级原因"),
    N_("事件已关闭，不能重新打开；请登记为复发事件（手册 §5.1.12）"),
    N_("发生时间不能晚于现在"),
    N_("事件不能与自己关联"),
    N_("原事件尚未关闭，请在原事件上补充信息"),
    N_("请填写原因"),
    N_("事件不在等待中，可能已被他人恢复"),
    N_("事件尚未登记完成，请先完成 1.4 记录事件请求"),
    N_("事件已解决，请在 5.3 征询用户意见或在 5.5 关闭"),
    N_("事件已关闭，不能再办理；如再次发生请登记为复发事件"),
    N_("事件不能绑定到自己"),
    N_("主事件已解决或已关闭，只能建立关联，不能绑定"),
    N_("所选主事件本身是从事件，请绑定到它的主事件"),
)


def in_language(refusal: EngineError) -> None:
    """Say a refusal in the language of this answer, where its sentence is known; fields keep their names."""
    if isinstance(refusal, InvalidValuesError):
        refusal.problems = {name: _(text) if text else text for name, text in refusal.problems.items()}
    elif len(refusal.args) == 1 and isinstance(refusal.args[0], str) and refusal.args[0]:
        refusal.args = (_(refusal.args[0]),)

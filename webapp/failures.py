"""Every refusal as a page or as JSON: which status it has, and what the person is told."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from engine.errors import (
    ConflictError,
    EngineError,
    InvalidValuesError,
    NotAllowedError,
    NotFoundError,
    StepFailedError,
)
from webapp import logs
from webapp.current import person_or_none
from webapp.desk import BusyError
from webapp.language import N_

log = logs.logger("lovem.web")

STATUS: tuple[tuple[type[EngineError], int], ...] = (
    (BusyError, 503),
    (NotFoundError, 404),
    (ConflictError, 409),
    (NotAllowedError, 403),
    (InvalidValuesError, 422),
    (EngineError, 422),
)
TITLES = {
    400: N_("请求无法理解"),
    401: N_("请先登录"),
    403: N_("没有权限"),
    404: N_("没有找到"),
    405: N_("不支持这种操作"),
    409: N_("别人已先处理"),
    413: N_("内容太大"),
    415: N_("格式不支持"),
    422: N_("内容需要修改"),
    429: N_("请求过多"),
    500: N_("系统出错"),
    503: N_("系统正忙"),
}
MESSAGES = {
    400: N_("请返回上一页，刷新后重试。"),
    401: N_("登录已过期或尚未登录。"),
    403: N_("您的岗位不能执行这项操作。"),
    404: N_("这个地址没有内容，可能已经处理完毕或输入有误。"),
    405: N_("请从页面上的按钮操作。"),
    413: N_("一次提交的内容超过上限，请删减后重试。"),
    415: N_("请按说明的格式提交。"),
    429: N_("请过一会儿再试。"),
    500: N_("操作没有生效，已记录下来。请稍后重试；仍然出错时请联系系统管理员。"),
}
_BUSY_FOR = 2  # seconds after which a busy database is worth another try
_TOLD = ("Allow", "Retry-After")  # headers of a refusal that say what to do
STUCK = N_("这一步没有完成，流程已停在原处并通知管理人员。您不用重复提交。")
SIGNED_OUT = N_("登录已过期，内容还没有提交。请登录后继续。")
STALE_PAGE = N_("页面已过期。请刷新页面后重试，您的操作没有生效。")


def status_of(error: EngineError) -> int:
    """The HTTP status of a refusal."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def install(app: Flask) -> None:
    """Answer refusals and faults; routes that show a refusal inside their own page catch it before."""
    app.register_error_handler(EngineError, _refused)
    app.register_error_handler(StepFailedError, _stuck)
    app.register_error_handler(CSRFError, _stale_page)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _broken)


def wants_json() -> bool:
    """Whether the caller is a program: an API address, or a request that prefers JSON."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return request.path.startswith("/api/") or best == "application/json"


def _refused(error: EngineError) -> ResponseReturnValue:
    facts: dict[str, Any] = {}
    if isinstance(error, ConflictError):
        facts = {"by": error.by, "at": error.at.isoformat() if error.at else None}
    if isinstance(error, InvalidValuesError):
        facts = {"problems": error.problems}
    return _answer(status_of(error), str(error), error=error, facts=facts)


def _stuck(error: StepFailedError) -> ResponseReturnValue:
    return _answer(500, _(STUCK), error=error)


def _stale_page(_error: CSRFError) -> ResponseReturnValue:
    signing_in = request.endpoint == "pages.sign_in"  # nobody is signed in yet, and nothing else was typed
    return _answer(400, _(STALE_PAGE)) if signing_in or person_or_none() else signed_out()


def signed_out() -> Response:
    """The answer to a form that was sent after the session had ended: what was typed, and the way back to it."""
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:  # not an address at all
        came_from = urlsplit("")
    own = came_from.netloc == request.host  # a form of another site gets nothing of it shown as ours
    typed = [text for name, text in request.form.items() if own and "." in name and text.strip()]
    return _answer(401, _(SIGNED_OUT), page={"typed": typed, "back": came_from.path if own else ""})


def _http(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error
    # Werkzeug's own sentences are English; ours are kept.
    own = error.description if error.description and not error.description.isascii() else None
    response = _answer(error.code, own or _(MESSAGES.get(error.code, MESSAGES[400])))
    told = error.get_response().headers
    for name in _TOLD:
        if name in told:
            response.headers[name] = ", ".join(told.getlist(name))
    return response


def _broken(error: Exception) -> ResponseReturnValue:
    # Not the address: a customer's link opens his incident, a search names him.
    log.error("%s %s failed", request.method, request.endpoint, exc_info=error)
    return _answer(500, _(MESSAGES[500]))


def _answer(
    status: int,
    message: str,
    *,
    error: Exception | None = None,
    facts: dict[str, Any] | None = None,
    page: dict[str, Any] | None = None,
) -> Response:
    title = _(TITLES.get(status, TITLES[400 if status < 500 else 500]))
    if wants_json():
        shape = {"status": status, "title": title, "message": message, "problems": {}}
        response = jsonify(shape | (facts or {}))
    else:
        context = {"status": status, "title": title, "message": message, "error": error} | (page or {})
        response = Response(render_template("errors/error.html", **context), mimetype="text/html")
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = str(_BUSY_FOR)
    return response

"""The language of an answer: the one that was chosen, else the browser's, else Chinese.

Message ids are the Chinese texts, so Chinese needs no compiled catalogue; ``./dev`` compiles the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, has_request_context, request, url_for
from flask_babel import Babel

LOCALES: Mapping[str, str] = {"zh": "zh_Hans_CN", "en": "en"}
NAMES: Mapping[str, str] = {"zh": "中文", "en": "English"}
TAGS: Mapping[str, str] = {"zh": "zh-CN", "en": "en"}  # of the attribute ``lang``
COOKIE, PARAMETER = "lang", "lang"
KEPT_FOR = 365 * 86400  # seconds
DEFAULT = "zh"


def N_(text: str) -> str:  # noqa: N802  (the usual name of this mark)
    """Mark a text for the catalogues where it stands; it is translated where it is shown."""
    return text


def install(app: Flask, *, time_zone: str) -> None:
    """Give the application its languages; ``?lang=en`` on any page chooses one and is remembered."""
    babel = Babel()
    babel.init_app(app, default_locale=LOCALES[DEFAULT], default_timezone=time_zone, locale_selector=_locale)
    app.jinja_env.globals.update(language=language, LANGUAGES=NAMES, LANGUAGE_TAGS=TAGS, in_language=in_language)
    app.after_request(_remember)


def language() -> str:
    """The language of this answer: a key of LOCALES."""
    if not has_request_context():
        return DEFAULT
    if "language" not in g:
        g.language = _chosen() or request.accept_languages.best_match(list(LOCALES), DEFAULT)
    return str(g.language)


def in_language(wanted: str) -> str:
    """The address of this page in another language."""
    if request.method != "GET" or request.endpoint is None:
        return url_for("pages.landing", lang=wanted)
    values: dict[str, Any] = {**request.args.to_dict(), **(request.view_args or {}), PARAMETER: wanted}
    return url_for(request.endpoint, **values)


def _locale() -> str:
    return LOCALES[language()]


def _chosen() -> str | None:
    for value in (request.args.get(PARAMETER), request.cookies.get(COOKIE)):
        if value in LOCALES:
            return value
    return None


def _remember(response: Response) -> Response:
    chosen = request.args.get(PARAMETER, "")
    if chosen in LOCALES and chosen != request.cookies.get(COOKIE):
        response.set_cookie(
            COOKIE, chosen, max_age=KEPT_FOR, httponly=True, samesite="Lax", secure=request.is_secure, path="/"
        )
    return response

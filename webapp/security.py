"""What every answer carries and every request must not: security headers, and input that no page sends."""

from __future__ import annotations

from flask import Flask, Response, abort, g, request
from flask_babel import gettext as _

from webapp.current import person_or_none

REQUEST_BYTES = 2 * 1024 * 1024
FORM_BYTES = 512 * 1024
FORM_PARTS = 500
UPLOAD_BYTES = 52 * 1024 * 1024  # five files of 10 MB and the form around them
UPLOADS = frozenset({"pages.attach", "pages.report_incident"})  # the only addresses to which files come

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HTTPS_FOR = "max-age=31536000"


def install(app: Flask, *, https: bool) -> None:
    """Put limits on requests and headers on answers; ``https`` adds what only an encrypted site may say."""
    app.config.update(MAX_CONTENT_LENGTH=REQUEST_BYTES, MAX_FORM_MEMORY_SIZE=FORM_BYTES, MAX_FORM_PARTS=FORM_PARTS)
    fixed = _FIXED | ({"Strict-Transport-Security": _HTTPS_FOR} if https else {})

    @app.url_value_preprocessor
    def let_files_in(endpoint: str | None, _values: dict[str, object] | None) -> None:
        # Before anything reads the request: whoever reads first does so under the limit that holds then.
        if endpoint in UPLOADS and person_or_none() is not None:  # strangers send nothing large
            request.max_content_length = UPLOAD_BYTES

    @app.before_request
    def refuse_nul() -> None:
        # PostgreSQL stores no NUL: refused here, it cannot become an error 500 far from its cause.
        texts = [*request.args.values(), *request.form.values()]
        raw = request.get_data(cache=True) if request.is_json else b""
        if any("\0" in text for text in texts) or b"\\u0000" in raw or b"\0" in raw:
            abort(400, _("内容中含有不能保存的字符（NUL）。"))

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in fixed.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", _policy())  # a download has a stricter one
        if request.endpoint != "static":
            # A shared computer's back button must not show the pages of the person before.
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def allow_inline_styles() -> None:
    """Let this one answer use style attributes: the diagram library cannot do without them."""
    g.inline_styles = True


def _policy() -> str:
    styles = {"style-src": "'self' 'unsafe-inline'"} if g.get("inline_styles") else {}
    return "; ".join(f"{name} {value}" for name, value in (_POLICY | styles).items())

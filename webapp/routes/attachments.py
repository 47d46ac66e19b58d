"""Adding files to an incident, and handing them out: as downloads, never as pages."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import InvalidValuesError, NotAllowedError, NotFoundError
from handlers.records import attachments as records
from handlers.records.attachments import FIELD, File
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.queries import attachments, incidents
from webapp.rights import allowed
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_back, posted_key
from webapp.routes.reading import reading


@pages.post("/incidents/<key>/attachments")
def attach(key: str) -> ResponseReturnValue:
    """Add the chosen files and go back to the page from which they came."""
    files = posted_files()
    if not files:
        raise InvalidValuesError({FIELD: str(_("请先选择文件"))})
    with reading() as reader:
        incident = incidents.get(reader.ctx.connection, key)
    added = verbs.attach(current_desk(), current_person(), incident["id"], files, key=posted_key())
    flash(_("已添加 %(n)s 个附件。", n=added))
    return redirect(posted_back() or url_for("pages.incident", key=key), 303)


@pages.get("/attachments/<int:attachment_id>")
def attachment(attachment_id: int) -> Response:
    """One file, as it was added, for saving."""
    with reading() as reader:
        found = attachments.content(reader.ctx.connection, attachment_id) if attachment_id < 2**31 else None
        if found is None:
            raise NotFoundError(_("没有这个附件。"))
        incident = incidents.get(reader.ctx.connection, str(found["incident_id"]))
        if not allowed(reader.person, "read", incident=incident):
            raise NotAllowedError(_("您不能查看这张事件单的附件。"))
    response = Response(found["content"], mimetype=found["content_type"])
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(found['name'], safe='')}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def posted_files() -> list[File]:
    """The files of this request that may be kept; raises InvalidValuesError naming each that may not."""
    chosen = [each for each in request.files.getlist(FIELD) if each.filename]
    if len(chosen) > records.MOST_FILES:
        raise InvalidValuesError({FIELD: str(_("一次最多添加 %(n)s 个附件", n=records.MOST_FILES))})
    return records.checked([(each.filename or "", each.stream.read(records.MOST_BYTES + 1)) for each in chosen])

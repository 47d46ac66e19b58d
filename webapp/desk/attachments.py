"""The verb that adds files to an incident (R080)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from engine.context import Context
from engine.errors import NotAllowedError
from handlers.records import attachments, incidents
from handlers.records.attachments import File
from webapp.desk import idempotency
from webapp.desk.core import Desk
from webapp.rights import Person, allowed

ATTACH = "attach"


def attach(desk: Desk, actor: Person, incident_id: int, files: Sequence[File], *, key: str | None = None) -> int:
    """Add files that were ``attachments.checked``; returns how many. A second arrival of the same adds none.

    Raises NotFoundError, and NotAllowedError for a closed incident or somebody who has nothing to do with it.
    """

    def act(ctx: Context) -> dict[str, Any]:
        if not allowed(actor, ATTACH, incident=incidents.get(ctx, incident_id)):
            raise NotAllowedError(_("您现在不能给这张事件单添加附件。"))
        return {"added": len(attachments.add(ctx, incident_id, files))}

    # A page that the browser's back button shows again has its old key: other files are another command.
    said = hashlib.sha256(b"".join(hashlib.sha256(file.content).digest() for file in files)).hexdigest()[:32]
    idempotency.check_key(key)
    done = idempotency.once(desk, actor, ATTACH, incident_id, f"{key[:80]} {said}" if key else None, act)
    added: int = done["added"]
    return added

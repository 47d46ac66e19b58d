"""How a time that is being typed is understood: said under its field while it is typed."""

from __future__ import annotations

from datetime import datetime

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.forms import AHEAD, read_time
from webapp.routes import words
from webapp.routes.blueprint import pages
from webapp.routes.reading import reading


@pages.get("/time", endpoint="time")
def understood() -> ResponseReturnValue:
    """The sentence under a field for an instant; empty while the text is no time yet."""
    text = request.args.get(request.args.get("field", ""), "").strip()
    with reading() as reader:
        points_ahead = request.args.get("points") == AHEAD
        read = read_time(text, zone=reader.zone, now=reader.ctx.now, ahead=points_ahead)
        try:
            instant = datetime.fromisoformat(read).astimezone(reader.zone) if read != text else None
        except (ValueError, OverflowError):
            instant = None
        said = words.understood(instant, reader.ctx.now, reader.zone) if instant else ""
    return _("即 %(said)s", said=said) if said else ""

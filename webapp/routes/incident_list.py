"""The list of incidents: search, filters that are kept under a name, and its export."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.errors import ConflictError, InvalidValuesError
from webapp import desk as verbs
from webapp.current import current_desk, current_person
from webapp.queries import incidents, keyset, saved
from webapp.queries.filters import Filter
from webapp.queries.work import Page
from webapp.rights import OPEN, allowed
from webapp.routes import filter_form, spreadsheet
from webapp.routes.blueprint import pages
from webapp.routes.reading import Reader, reading
from webapp.routes.work_rows import incident_row

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pages.get("/incidents", endpoint="incidents")
def incident_list() -> ResponseReturnValue:
    """Search by number or words; a number goes straight to its incident. What is open is listed by urgency."""
    return _page({}, 200)


def _page(trouble: dict[str, str], status: int) -> ResponseReturnValue:
    wanted = filter_form.read(request.args)
    sort, after = _sort(wanted), request.args.get("after", "")
    with reading() as reader:
        page = _rows(reader, wanted, sort, after)
        if incidents.as_number(wanted.text) and len(page.rows) == 1:
            return redirect(url_for("pages.incident", key=page.rows[0].number))
        accounts = reader.accounts(*(row.responsible_person for row in page.rows))
        args = filter_form.as_args(wanted)
        context: dict[str, Any] = {
            "wanted": wanted,
            "args": args,
            "rows": [incident_row(reader, row, accounts) for row in page.rows],
            "tabs": [(name, filter_form.state_words(name)) for name in incidents.TABS],
            "counts": {} if wanted.narrows else incidents.counts(reader.ctx.connection),
            "sorts": filter_form.SORTS if _sortable(wanted) else {},
            "sort": sort,
            "chosen": filter_form.chosen(reader, wanted),
            "options": filter_form.options(reader),
            "saved": _saved(reader, args),
            "may_export": allowed(reader.person, "export"),
            "most": spreadsheet.MOST,
            "after": after,
            "next_after": page.after,
            "trouble": trouble,
        }
        return render_template("incidents.html", here="incidents", **context), status


def _saved(reader: Reader, args: dict[str, str]) -> list[dict[str, Any]]:
    """The kept searches: name, address, and whether this page shows one of them."""
    found = saved.filters_of(reader.ctx.connection, reader.person.account)
    return [
        {"id": row["id"], "name": row["name"], "args": kept, "here": kept == args}
        for row in found
        for kept in [dict(parse_qsl(row["query"]))]
    ]


def _sortable(wanted: Filter) -> bool:
    """Whether urgency orders this list: of what is closed, the newest is sought."""
    return not wanted.text and bool(wanted.states()) and OPEN.issuperset(wanted.states())


def _sort(wanted: Filter) -> str:
    return "urgent" if _sortable(wanted) and request.args.get("sort") != "newest" else "newest"


def _rows(reader: Reader, wanted: Filter, sort: str, after: str) -> Page:
    connection, now = reader.ctx.connection, reader.ctx.now
    if sort == "urgent":
        return incidents.urgent(connection, wanted, now, keyset.unpack_urgent(after))
    return incidents.find(connection, wanted, now, keyset.unpack_id(after))


@pages.get("/incidents/export.xlsx", endpoint="export")
def export() -> Response:
    """The filtered list as a spreadsheet, the newest first, at most ``spreadsheet.MOST`` rows."""
    wanted = filter_form.read(request.args)
    with reading() as reader:
        rows = incidents.export(reader.ctx.connection, wanted, reader.ctx.now, spreadsheet.MOST + 1)
        file = spreadsheet.write(reader, rows)
        name = f"incidents-{reader.ctx.now.astimezone(reader.zone):%Y%m%d-%H%M}.xlsx"
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)


@pages.post("/incidents/filters", endpoint="save_filter")
def save_filter() -> ResponseReturnValue:
    """Keep the filter of this address under a name."""
    args = request.args
    try:
        verbs.save_filter(current_desk(), current_person(), request.form.get("name", ""), filter_form.query_of(args))
    except InvalidValuesError as refused:
        return _page(refused.problems, 422)
    except ConflictError as refused:
        return _page({"name": str(refused)}, 409)
    flash(_("已保存筛选。"))
    kept: dict[str, Any] = dict(filter_form.as_args(filter_form.read(args)))
    return redirect(url_for("pages.incidents", **kept), 303)


@pages.post("/incidents/filters/<int:filter_id>/delete", endpoint="delete_filter")
def delete_filter(filter_id: int) -> ResponseReturnValue:
    """Forget a kept filter."""
    verbs.delete_filter(current_desk(), current_person(), filter_id)
    flash(_("已删除筛选。"))
    return redirect(url_for("pages.incidents"), 303)

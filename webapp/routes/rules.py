"""Rules: the decision tables in force, their versions, and the changes on their way."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.catalogue import catalogue, contents
from engine.errors import ConflictError, InvalidValuesError
from webapp.current import current_desk, current_person
from webapp.desk import rule_rows
from webapp.desk import rules as verbs
from webapp.queries import rules as queries
from webapp.rights import allowed
from webapp.routes import rule_view
from webapp.routes.blueprint import pages
from webapp.routes.posted import posted_key
from webapp.routes.reading import reading
from webapp.sheets.difference import difference
from webapp.sheets.sheet import read_sheet


@pages.get("/rules", endpoint="rules")
def rule_list() -> ResponseReturnValue:
    """Every decision table in force, and the changes under way."""
    with reading() as reader:
        known = catalogue(reader.ctx)
        refs = [ref for ref in known.all_in_force(reader.ctx.now).values() if ref.kind == "decision"]
        refs.sort(key=lambda ref: ref.name)
        sheets = rule_view.heads(reader.ctx, refs)
        drafts = queries.open_drafts(reader.ctx.connection)
        people = reader.accounts(*(row["author"] for row in drafts))
        later = {ref.key: ref for ref in known if ref.effective_from and ref.effective_from > reader.ctx.now}
        tables = [(ref, sheets.get(ref.id), later.get(ref.key)) for ref in refs]
        names = {ref.key: ref.name for ref in refs}
    under_way = [(row, names.get(row["key"], row["key"]), *rule_view.state_words(row)) for row in drafts]
    return render_template("rules.html", here="rules", tables=tables, under_way=under_way, people=people)


@pages.get("/rules/<key>", endpoint="rule")
def rule_page(key: str) -> ResponseReturnValue:
    """One table: rows, hits of the last 30 days, versions, changes under way."""
    return _rule_page(key, 200)


def _rule_page(key: str, status: int, problem: str = "", other: Any = None) -> ResponseReturnValue:
    with reading() as reader:
        connection = reader.ctx.connection
        present = rule_view.in_force(reader.ctx, key)
        shown = posted_or_asked_version() or present.version
        ref = rule_rows.version_of(catalogue(reader.ctx), key, shown)
        files = contents(reader.ctx, {ref.id, present.id})
        sheet = read_sheet(files[ref.id], key)
        names = rule_view.names_of(reader)
        changes = difference(files[present.id], files[ref.id], key, names) if ref.id != present.id else None
        counted = queries.hits(connection, [ref.id], reader.ctx.now - queries.HITS_FOR)
        drafts = queries.open_drafts(connection, key)
        context = {
            "ref": ref,
            "present": present,
            "sheet": sheet,
            "rows": rule_view.table(sheet, names, changes=changes, hits=counted) if sheet else [],
            "changes": changes,
            "asked": counted[""],
            "versions": rule_view.versions(reader, key),
            "drafts": [(row, *rule_view.state_words(row)) for row in drafts],
            "people": reader.accounts(*(row["author"] for row in drafts)),
            "may_draft": allowed(reader.person, "rule.draft"),
            "may_approve": allowed(reader.person, "rule.approve"),
            "problem": problem,
            "other": other,
            "typed": request.form.get("reason", ""),
            "key": uuid.uuid4().hex,
        }
    return render_template("rule.html", here="rules", **context), status


def posted_or_asked_version() -> int | None:
    """The version that an address or a form names."""
    text = request.values.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


@pages.get("/rules/<key>/<int:version>.dmn", endpoint="rule_file")
def rule_file(key: str, version: int) -> ResponseReturnValue:
    """A version as the file that was deployed."""
    with reading() as reader:
        return dmn(rule_view.file_of(reader.ctx, key, version), f"{key}-{version}.dmn")


def dmn(file: bytes, name: str) -> Response:
    """A DMN file to keep."""
    response = Response(file, mimetype="application/xml")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@pages.post("/rules/<key>/drafts", endpoint="rule_begin")
def begin(key: str) -> ResponseReturnValue:
    """Begin a change; where one is under way, its page is offered first."""
    alongside = request.form.get("alongside") == "yes"
    try:
        draft_id = verbs.begin(
            current_desk(),
            current_person(),
            key,
            version=posted_or_asked_version(),
            alongside=alongside,
            key=posted_key(),
        )
    except verbs.AlreadyDraftedError as refused:
        with reading() as reader:
            by = reader.accounts(refused.by).get(refused.by or "", "")
        return _rule_page(key, 409, str(refused), {"id": refused.draft_id, "by": by, "at": refused.at})
    return redirect(url_for("pages.rule_draft", draft_id=draft_id), 303)


@pages.post("/rules/<key>/restore", endpoint="rule_restore")
def restore(key: str) -> ResponseReturnValue:
    """Put an earlier version in force again."""
    version = posted_or_asked_version() or 0
    reason = request.form.get("reason", "")
    try:
        verbs.restore(current_desk(), current_person(), key, version, reason, key=posted_key())
    except (InvalidValuesError, ConflictError) as refused:
        problems = getattr(refused, "problems", None)
        status = 409 if isinstance(refused, ConflictError) else 422
        return _rule_page(key, status, "；".join(problems.values()) if problems else str(refused))
    flash(_("已恢复到第 %(n)s 版，现在起生效。", n=version))
    return redirect(url_for("pages.rule", key=key), 303)

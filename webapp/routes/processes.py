"""Processes: every diagram, table and form in force, and each diagram as a table of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from engine.catalogue import Catalogue, DefinitionRef, catalogue, content
from engine.errors import NotFoundError
from engine.forms import Form
from engine.identity import Kind
from handlers.records.tables import incident
from webapp.forms import Field, build_fields
from webapp.language import N_
from webapp.queries import processes as queries
from webapp.queries import rules
from webapp.routes import process_view
from webapp.routes.blueprint import pages
from webapp.routes.choices import reference_choices
from webapp.routes.reading import Reader, reading

KIND_WORDS: dict[Kind, str] = {"process": N_("流程图"), "decision": N_("决策表"), "form": N_("表单")}


@pages.get("/processes", endpoint="processes")
def process_list() -> ResponseReturnValue:
    """What is in force, since when, from which deployment."""
    with reading() as reader:
        known = catalogue(reader.ctx)
        present = sorted(known.all_in_force(reader.ctx.now).values(), key=lambda ref: (ref.filename, ref.name))
        done = rules.deployments(reader.ctx.connection, {ref.deployment_id for ref in present})
        drawn = process_view.drawn(reader.ctx, [ref for ref in present if ref.kind == "process"])
        called = {key for each in drawn.values() for key in each.calls}
        present.sort(key=lambda ref: ref.key in called)  # what stands by itself first
        context = {
            "groups": [(_(words), [ref for ref in present if ref.kind == kind]) for kind, words in KIND_WORDS.items()],
            "deployments": done,
            "people": reader.accounts(*(row["author"] for row in done.values())),
            "drawn": drawn,
            "called": called,
            "running": queries.running(reader.ctx.connection),
        }
    return render_template("processes.html", here="processes", **context)


@pages.get("/processes/<key>", endpoint="process")
def process_page(key: str) -> ResponseReturnValue:
    """One diagram, beside it the table of its steps."""
    with reading() as reader:
        known = catalogue(reader.ctx)
        ref, present = _asked(reader, known, "process", key)
        in_force = known.all_in_force(reader.ctx.now)
        drawn = process_view.drawn(reader.ctx, [each for each in in_force.values() if each.kind == "process"])
        shown = process_view.drawn(reader.ctx, [ref])[key]
        wanted = {step.form for step in shown.steps if step.form}
        form_refs = [in_force["form", form] for form in sorted(wanted) if ("form", form) in in_force]
        context = {
            "ref": ref,
            "present": present,
            "shown": shown,
            "names": {each.key: each.name for each in drawn.values()},
            "callers": [each for each in drawn.values() if key in each.calls],
            "forms": process_view.forms(reader.ctx, form_refs),
            "decisions": {each.key: each.name for each in in_force.values() if each.kind == "decision"},
            "waiting": queries.waiting_at(reader.ctx.connection, [step.id for step in shown.steps]),
            "versions": _versions(reader, known, "process", key),
        }
    return render_template("process.html", here="processes", **context)


@pages.get("/processes/<key>/<int:version>.bpmn", endpoint="process_file")
def process_file(key: str, version: int) -> ResponseReturnValue:
    """A version of a diagram; it never changes, so the browser may keep it."""
    with reading() as reader:
        ref = _version(catalogue(reader.ctx), "process", key, version)
        response = Response(content(reader.ctx, ref.id), mimetype="application/xml")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


@pages.get("/processes/forms/<key>", endpoint="process_form")
def form_page(key: str) -> ResponseReturnValue:
    """A form as it is shown to whoever does the step, and where it is used."""
    with reading() as reader:
        known = catalogue(reader.ctx)
        ref, present = _asked(reader, known, "form", key)
        form = process_view.forms(reader.ctx, [ref])[key]
        in_force = [each for each in known.all_in_force(reader.ctx.now).values() if each.kind == "process"]
        drawn = process_view.drawn(reader.ctx, in_force)
        used = [(each, step) for each in drawn.values() for step in each.steps if step.form == key]
        context = {
            "ref": ref,
            "present": present,
            "form": form,
            "fields": _preview(reader, form),
            "used": used,
            "versions": _versions(reader, known, "form", key),
        }
    return render_template("process_form.html", here="processes", **context)


def _preview(reader: Reader, form: Form) -> Sequence[Field]:
    """The fields with nothing filled in; those that an answer brings in are shown, too."""
    nothing = dict.fromkeys(incident.c.keys())
    fields = build_fields(form, {}, choices=reference_choices(reader.ctx, nothing), zone=reader.zone)
    return [replace(field, off=False, when="", time="") for field in fields]


def _asked(reader: Reader, known: Catalogue, kind: Kind, key: str) -> tuple[DefinitionRef, DefinitionRef]:
    """The version that the address names, and the one in force. Raises NotFoundError."""
    present = known.in_force(kind, key, reader.ctx.now)
    if present is None:
        raise NotFoundError(_("没有%(kind)s %(key)s。", kind=_(KIND_WORDS[kind]), key=key))
    text = request.args.get("version", "")
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else present.version
    return _version(known, kind, key, wanted), present


def _version(known: Catalogue, kind: Kind, key: str, version: int) -> DefinitionRef:
    for ref in reversed(known.items.get((kind, key), ())):
        if ref.version == version:
            return ref
    raise NotFoundError(
        _("%(kind)s %(key)s 没有第 %(version)s 版。", kind=_(KIND_WORDS[kind]), key=key, version=version)
    )


def _versions(reader: Reader, known: Catalogue, kind: Kind, key: str) -> list[dict[str, Any]]:
    """How it came to be what it is, newest first."""
    refs = known.items.get((kind, key), ())
    done = rules.deployments(reader.ctx.connection, [ref.deployment_id for ref in refs])
    people = reader.accounts(*(row["author"] for row in done.values()))
    found = [{"ref": ref, **done[ref.deployment_id]} for ref in reversed(refs)]
    return [row | {"author": people.get(row["author"], row["author"])} for row in found]

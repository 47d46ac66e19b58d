"""Bundles: what an instance is pinned to — its process, all that it calls, and the forms of their user tasks.

A running instance never changes its bundle, whatever is deployed meanwhile. Compiled bundles are cached by content.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from engine import persistence as db
from engine import spiff
from engine.cache import Cache
from engine.catalogue import Catalogue, DefinitionRef, catalogue, contents
from engine.context import Context
from engine.errors import NotFoundError
from engine.forms import Form, parse_form
from engine.identity import Identity, identify


@dataclass(frozen=True, slots=True)
class FormRef:
    """A form with the id of its definition."""

    definition_id: int
    form: Form


@dataclass(frozen=True, slots=True)
class Compiled:
    """The costly part of a bundle, shared between threads and instances."""

    program: spiff.Program
    forms: Mapping[str, FormRef]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A pinned, compiled set of definitions."""

    id: int
    process_key: str
    program: spiff.Program
    forms: Mapping[str, FormRef]


_compiled: Cache[str, Compiled] = Cache(64)
_programs: Cache[str, spiff.Program] = Cache(64)
_identities: Cache[str, Identity] = Cache(1024)


def bundle_for(ctx: Context, process_key: str) -> Bundle:
    """What a new instance of ``process_key`` is pinned to now; makes the row if this set is new.

    Raises :class:`NotFoundError` if the process, one that it calls or a form is not in force.
    """
    refs = _closure(ctx, catalogue(ctx), process_key)
    ids = sorted(ref.id for ref in refs)
    content_hash = hashlib.sha256(
        repr((process_key, sorted((ref.id, ref.content_hash) for ref in refs))).encode()
    ).hexdigest()
    same = select(db.bundle.c.id).where(db.bundle.c.content_hash == content_hash)
    bundle_id = ctx.connection.execute(same).scalar_one_or_none()
    if bundle_id is None:
        make = sqlite.insert if ctx.connection.dialect.name == "sqlite" else postgresql.insert
        row = make(db.bundle).values(process_key=process_key, content_hash=content_hash, definition_ids=ids)
        ctx.connection.execute(row.on_conflict_do_nothing())  # another node may pin the same set at this moment
        bundle_id = ctx.connection.execute(same).scalar_one()
    return pinned(ctx, bundle_id, process_key, content_hash, ids)


def load_bundle(ctx: Context, bundle_id: int) -> Bundle:
    """The bundle of that id. Raises :class:`NotFoundError`."""
    row = ctx.connection.execute(select(db.bundle).where(db.bundle.c.id == bundle_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"没有编号为 {bundle_id} 的流程包")
    return pinned(ctx, row.id, row.process_key, row.content_hash, row.definition_ids)


def pinned(ctx: Context, bundle_id: int, process_key: str, content_hash: str, definition_ids: list[int]) -> Bundle:
    """The bundle whose row was read already: no statement if it was compiled before."""
    compiled = _compiled.get(content_hash, lambda: _compile(ctx, process_key, definition_ids))
    return Bundle(bundle_id, process_key, compiled.program, compiled.forms)


def _closure(ctx: Context, known: Catalogue, process_key: str) -> list[DefinitionRef]:
    """The process, all that it calls, directly or not, and their forms, as in force now."""
    found: dict[tuple[str, str], DefinitionRef] = {}
    open_keys = [process_key]
    while open_keys:
        key = open_keys.pop()
        if ("process", key) in found:
            continue
        ref = found["process", key] = _in_force(known, "process", key, ctx)
        needs = _identity(ctx, ref)
        open_keys.extend(needs.calls)
        for form in needs.forms:
            found["form", form] = _in_force(known, "form", form, ctx)
    return list(found.values())


def _in_force(known: Catalogue, kind: Any, key: str, ctx: Context) -> DefinitionRef:
    ref = known.in_force(kind, key, ctx.now)
    if ref is None:
        raise NotFoundError(f"{'流程' if kind == 'process' else '表单'} {key} 没有已生效的版本")
    return ref


def _identity(ctx: Context, ref: DefinitionRef) -> Identity:
    return _identities.get(ref.content_hash, lambda: identify(ref.filename, contents(ctx, [ref.id])[ref.id]))


def identities(ctx: Context, refs: Collection[DefinitionRef]) -> dict[int, Identity]:
    """What several definitions are, by id; their files are read with one statement."""
    files = contents(ctx, {ref.id for ref in refs})
    return {ref.id: _identities.get(ref.content_hash, partial(identify, ref.filename, files[ref.id])) for ref in refs}


def _compile(ctx: Context, process_key: str, definition_ids: list[int]) -> Compiled:
    d = db.definition.c
    rows = ctx.connection.execute(
        select(d.id, d.kind, d.key, d.filename, d.content).where(d.id.in_(definition_ids))
    ).all()
    files = {row.key: bytes(row.content) for row in rows if row.kind == "process"}
    forms = {row.key: FormRef(row.id, parse_form(bytes(row.content))) for row in rows if row.kind == "form"}
    return Compiled(program_of(process_key, files), forms)


def program_of(process_key: str, files: Mapping[str, bytes]) -> spiff.Program:
    """``files`` (process key → bytes: the process and all that it calls) compiled, once for equal contents.

    Raises ``spiff.ProgramError``; its ``file`` is the process key with ``.bpmn``.
    """
    hashes = sorted((key, hashlib.sha256(content).hexdigest()) for key, content in files.items())
    contents_hash = hashlib.sha256(repr((process_key, hashes)).encode()).hexdigest()
    named = {f"{key}.bpmn": content for key, content in files.items()}
    return _programs.get(contents_hash, lambda: spiff.compile_program(named, process_key))

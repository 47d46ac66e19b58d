"""What the product brings along: the handbook's processes and the first load of reference data, valid since ever."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import select

from engine import definitions
from engine.context import SYSTEM, Context
from engine.definitions import Deployment
from engine.persistence import definition
from handlers import reference
from handlers.records.tables import reference_row
from handlers.reference import load_reference
from webapp.desk import Desk

# Beside the package, in a checkout and in an installed wheel alike.
PROCESSES = Path(__file__).resolve().parent.parent / "processes"
KINDS = (".bpmn", ".dmn", ".json")
SKIPPED = ("reference", "scenarios")
FIRST_REASON = "随系统提供的首次部署"
CHANGED_REASON = "随系统提供的流程已更新"


def definition_files(folder: Path) -> dict[str, bytes]:
    """The BPMN, DMN and form files below ``folder``, by path relative to it; scenarios and reference data left out."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in KINDS and path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in named.items() if name.split("/")[0] not in SKIPPED}


def reference_files(folder: Path) -> dict[str, str]:
    """The reference tables of ``folder``: table name → CSV text."""
    return tables_in(folder / "reference")


def tables_in(folder: Path) -> dict[str, str]:
    """The CSV files of a folder: table name → text. Raises UnicodeError for a file that is not UTF-8."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.csv"))}


def lane_names(ctx: Context) -> frozenset[str]:
    """The names that lanes may have: the roles in force now, or the shipped ones where none were ever loaded."""
    return frozenset(row["name"] for row in reference.rows(ctx, "roles")) or role_names(PROCESSES)


def role_names(folder: Path) -> frozenset[str]:
    """The names of the roles in the reference data of ``folder``; empty if there are none."""
    table = folder / "reference" / "roles.csv"
    if not table.is_file():
        return frozenset()
    return frozenset(row.get("name", "") for _, row in reference.parse("roles", table.read_text(encoding="utf-8")))


def deploy_shipped(desk: Desk, folder: Path = PROCESSES, *, update: bool) -> Deployment | None:
    """Load reference data and definitions of ``folder``; None when no definition had to be deployed.

    Into an empty database they go valid since ever. Later, files that differ from every version ever deployed take
    force from now on if ``update`` says so (demo and development); in production that is a person's decision, and the
    process owner's own versions are never overwritten by an old shipped one. Reference data are loaded in production
    only where there are none. Raises DeploymentRefusedError.
    """
    files = definition_files(folder)
    with desk.unit_of_work(SYSTEM) as ctx:
        known = _known_hashes(ctx)
        if not known:
            load_reference(ctx, reference_files(folder))
            return definitions.deploy(ctx, files, reason=FIRST_REASON, lanes=lane_names(ctx))
        changed = {name: data for name, data in files.items() if _hash(data) not in known}
        if update or not _has_reference(ctx):
            load_reference(ctx, reference_files(folder))
        if not update or not changed:
            return None
        return definitions.deploy(ctx, changed, reason=CHANGED_REASON, lanes=lane_names(ctx))


def _has_reference(ctx: Context) -> bool:
    return ctx.connection.scalar(select(reference_row.c.id).limit(1)) is not None


def _known_hashes(ctx: Context) -> set[str]:
    return set(ctx.connection.scalars(select(definition.c.content_hash)))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

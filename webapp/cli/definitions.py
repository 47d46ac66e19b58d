"""``lovem check``, ``lovem deploy``, ``lovem export``: definitions from and to folders."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePosixPath

from engine import definitions
from engine.check import Finding, Known, check, render
from engine.context import Context
from engine.definitions import DefinitionRef
from engine.errors import DeploymentRefusedError
from handlers import HANDLERS
from webapp.cli.common import (
    OK,
    REFUSED,
    WRONG_CALL,
    CommandRefusedError,
    Commands,
    command,
    opened,
    print_json,
    text_argument,
)
from webapp.shipped import KINDS, PROCESSES, definition_files, lane_names, role_names

COMMAND_LINE = "command line"


def register(commands: Commands) -> None:
    """Add the commands."""
    parser = command(commands, "check", run_check, "check files or folders together; prints one JSON line a finding")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser = command(commands, "deploy", run_deploy, "check and deploy files or folders together, whole or not at all")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--reason", required=True, type=text_argument, help="why; kept with the deployment")
    parser.add_argument("--author", type=text_argument, default=COMMAND_LINE, help="who; kept with the deployment")
    parser.add_argument(
        "--effective-from", type=_instant, help="ISO 8601; without a zone in LOVEM_TIME_ZONE; default now"
    )
    parser = command(commands, "export", run_export, "write every definition in force into a folder")
    parser.add_argument("folder", type=Path)


def run_check(arguments: argparse.Namespace) -> int:
    """0 when nothing stands against deploying (there may be warnings), 1 with errors, 2 where nothing is to check.

    Lanes are named after the roles in the ``reference`` folder in or beside what is checked, else the shipped ones.
    """
    missing = [path for path in arguments.paths if not path.exists()]
    if missing:
        for path in missing:
            print(f"{path}: no such file or folder", file=sys.stderr)
        return WRONG_CALL
    files = _files(arguments.paths)
    if not files:
        print(f"Nothing to check: there are no {', '.join(KINDS)} files", file=sys.stderr)
        return WRONG_CALL
    findings = check(files, operations=HANDLERS.keys(), known=Known(lanes=_lanes(arguments.paths)))
    _print(findings)
    return REFUSED if any(finding.severity == "error" for finding in findings) else OK


def run_deploy(arguments: argparse.Namespace) -> int:
    """Deploy from the given instant on, or from now."""
    files = _files(arguments.paths)
    with opened() as o:
        desk = o.desk
        effective_from = arguments.effective_from or desk.clock()
        if effective_from.tzinfo is None:
            effective_from = effective_from.replace(tzinfo=o.settings.zone)
        try:
            with desk.reading() as connection:  # the check takes long: nobody else has to wait for it
                ctx = Context(connection, desk.clock(), arguments.author, desk.handlers)
                definitions.examine(ctx, files, effective_from=effective_from, lanes=lane_names(ctx))
            with desk.unit_of_work(arguments.author) as ctx:
                done = definitions.deploy(
                    ctx, files, reason=arguments.reason, effective_from=effective_from, lanes=lane_names(ctx)
                )
        except DeploymentRefusedError as refused:
            _print(refused.findings)
            return REFUSED
    _print(done.warnings)
    versions = [{"kind": ref.kind, "key": ref.key, "version": ref.version} for ref in done.definitions]
    print_json({"deployment": done.id, "effective_from": effective_from.isoformat(), "definitions": versions})
    return OK


def run_export(arguments: argparse.Namespace) -> int:
    """Write the files that are in force now under their own names; refuses to overwrite a file that differs."""
    with opened() as o, o.desk.unit_of_work(COMMAND_LINE) as ctx:
        in_force = definitions.catalogue(ctx).all_in_force(ctx.now).values()
        contents = {name: definitions.content(ctx, ref.id) for name, ref in _named(in_force).items()}
    root: Path = arguments.folder.resolve()
    for name, data in sorted(contents.items()):
        target = (root / name).resolve()
        if not target.is_relative_to(root):
            raise CommandRefusedError(f"{name} would be written outside of {root}")
        if target.exists() and target.read_bytes() != data:
            raise CommandRefusedError(f"{target} exists and differs: export into an empty folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    print_json({"folder": str(root), "files": len(contents)})
    return OK


def _files(paths: Iterable[Path]) -> dict[str, bytes]:
    """The files by their name relative to the given folder; equal names get the folders before them."""
    found: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            found |= {path / name: name for name in definition_files(path)}
        elif path.is_file():
            found[path] = path.name
        else:
            raise CommandRefusedError(f"{path}: no such file or folder")
    files: dict[str, bytes] = {}
    read: set[Path] = set()
    for path, name in found.items():
        place = path.resolve()
        if place in read:
            continue  # given twice
        read.add(place)
        parts = place.parts[1:]
        tails = ("/".join(parts[-length:]) for length in range(1 + name.count("/"), len(parts) + 1))
        free = next(each for each in (name, *tails) if each not in files)
        files[free] = path.read_bytes()
    return files


def _lanes(paths: Iterable[Path]) -> frozenset[str]:
    """The names of the roles beside what is checked, else of the shipped ones."""
    for path in paths:
        folder = path.resolve()
        for place in (folder, folder.parent, folder.parent.parent):
            if names := role_names(place):
                return names
    return role_names(PROCESSES)


def _named(refs: Iterable[DefinitionRef]) -> dict[str, DefinitionRef]:
    """The definitions by file name; a name that is taken already gets the definition's key before its ending."""
    named: dict[str, DefinitionRef] = {}
    for ref in sorted(refs, key=lambda ref: ref.id):
        path = PurePosixPath(ref.filename)
        name = ref.filename if ref.filename not in named else str(path.with_name(f"{path.stem}.{ref.key}{path.suffix}"))
        named[name] = ref
    return named


def _print(findings: Iterable[Finding]) -> None:
    for finding in findings:
        print_json(render(finding))


def _instant(text: str) -> datetime:
    """An instant of our time; argparse says so of anything else."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or not 2000 <= instant.year < 2200:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no date and time; example: 2026-12-01T08:00")
    return instant

"""``lovem check``, ``lovem deploy``, ``lovem export``: definitions from and to folders."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from engine import definitions
from engine.check import Finding, check, render
from engine.errors import DeploymentRefusedError
from handlers import HANDLERS
from webapp.cli.common import OK, REFUSED, WRONG_CALL, CommandRefusedError, Commands, command, opened, print_json
from webapp.shipped import definition_files

COMMAND_LINE = "command line"


def register(commands: Commands) -> None:
    """Add the commands."""
    parser = command(commands, "check", run_check, "check files or folders together; prints one JSON line a finding")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser = command(commands, "deploy", run_deploy, "check and deploy files or folders together, whole or not at all")
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--reason", required=True, help="why; kept with the deployment")
    parser.add_argument("--author", default=COMMAND_LINE, help="who; kept with the deployment")
    parser.add_argument(
        "--effective-from", type=_instant, help="ISO 8601; without a zone in LOVEM_TIME_ZONE; default now"
    )
    parser = command(commands, "export", run_export, "write every definition in force into a folder")
    parser.add_argument("folder", type=Path)


def run_check(arguments: argparse.Namespace) -> int:
    """0 when nothing stands against deploying (there may be warnings), 1 with errors, 2 where a path does not exist."""
    missing = [path for path in arguments.paths if not path.exists()]
    if missing:
        for path in missing:
            print_json({"file": str(path), "error": "no such file or folder"})
        return WRONG_CALL
    findings = check(_files(arguments.paths), operations=HANDLERS.keys())
    _print(findings)
    return REFUSED if any(finding.severity == "error" for finding in findings) else OK


def run_deploy(arguments: argparse.Namespace) -> int:
    """Deploy from the given instant on, or from now."""
    with opened() as o, o.desk.unit_of_work(arguments.author) as ctx:
        effective_from = arguments.effective_from or ctx.now
        if effective_from.tzinfo is None:
            effective_from = effective_from.replace(tzinfo=o.settings.zone)
        files = _files(arguments.paths)
        try:
            done = definitions.deploy(ctx, files, reason=arguments.reason, effective_from=effective_from)
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
        contents = {ref.filename: definitions.content(ctx, ref.id) for ref in in_force}
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
    files: dict[str, bytes] = {}
    for path in paths:
        if path.is_dir():
            files |= {str(path / name): data for name, data in definition_files(path).items()}
        elif path.is_file():
            files[str(path)] = path.read_bytes()
        else:
            raise CommandRefusedError(f"{path}: no such file or folder")
    return files


def _print(findings: Iterable[Finding]) -> None:
    for finding in findings:
        print_json(render(finding))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)

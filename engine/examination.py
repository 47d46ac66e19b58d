"""What stands against files being in force together: the check's findings, and whether the processes compile.

The answer depends on nothing but its arguments and is remembered: who examines before he locks pays only once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from engine import spiff
from engine.bundles import program_of
from engine.cache import Cache
from engine.check import Finding, Known, check
from engine.errors import FormRefusedError
from engine.identity import Identity, UnclearIdentityError, identify
from engine.texts import MAX_KEY, MAX_NAME, trouble
from engine.xml import XmlRefused

RULE = "deployment"

_examined: Cache[str, tuple[Finding, ...]] = Cache(32)


def refusal(file: str, zh: str, en: str, *, line: int = 1, element: str | None = None) -> Finding:
    """An error that no rule of the check knows, because it is about deploying."""
    return Finding(file=file, line=line, element=element, rule=RULE, severity="error", zh=zh, en=en)


def examine(
    files: Mapping[str, bytes], changed: Collection[str], operations: Collection[str], lanes: Collection[str] | None
) -> tuple[Finding, ...]:
    """The findings for ``files`` in force together; only processes with a part in ``changed`` are compiled."""
    asked = (
        sorted((name, hashlib.sha256(data).hexdigest()) for name, data in files.items()),
        sorted(changed),
        sorted(operations),
        None if lanes is None else sorted(lanes),
    )
    key = hashlib.sha256(repr(asked).encode()).hexdigest()
    return _examined.get(key, lambda: _examine(files, changed, operations, lanes))


def _examine(
    files: Mapping[str, bytes], changed: Collection[str], operations: Collection[str], lanes: Collection[str] | None
) -> tuple[Finding, ...]:
    found = check(files, operations=operations, known=Known(lanes=lanes))
    if not any(finding.severity == "error" for finding in found):
        found.extend(_uncompilable(files, changed))
    return tuple(found)


def _uncompilable(files: Mapping[str, bytes], changed: Collection[str]) -> Iterator[Finding]:
    """Compile every process that calls, directly or not, something in ``changed``, or is it; callers first."""
    processes = {
        identity.key: (name, identity)
        for name, data in files.items()
        if (identity := identify(name, data)).kind == "process"
    }
    callees = {key for _, identity in processes.values() for key in identity.calls}
    compiled: set[str] = set()
    for process_key in sorted(processes, key=lambda key: (key in callees, key)):
        parts = _called(process_key, processes)
        names = {f"{part}.bpmn": processes[part][0] for part in parts}
        if process_key in compiled or not set(names.values()) & set(changed):
            continue
        compiled |= parts
        try:
            program_of(process_key, {part: files[processes[part][0]] for part in parts})
        except spiff.ProgramError as error:
            file = names.get(error.file or "", processes[process_key][0])
            yield refusal(
                file,
                f"流程 {process_key} 不能编译：{error.why}。",
                f"the process {process_key} does not compile",
                line=error.line or 1,
                element=error.element,
            )


def _called(process_key: str, processes: Mapping[str, tuple[str, Identity]]) -> set[str]:
    """The process and all that it calls, directly or not."""
    found: set[str] = set()
    open_keys = {process_key}
    while open_keys:
        key = open_keys.pop()
        if key in processes and key not in found:
            found.add(key)
            open_keys |= processes[key][1].calls
    return found


def identified(files: Mapping[str, bytes]) -> tuple[dict[str, Identity], list[Finding]]:
    """What each file is, and what stands against those that cannot be told, are there twice or cannot be kept."""
    identities: dict[str, Identity] = {}
    troubles: list[Finding] = []
    owners: dict[tuple[str, str], str] = {}
    for name, data in files.items():
        try:
            identity = identify(name, data)
        except (UnclearIdentityError, FormRefusedError, XmlRefused) as error:
            troubles.append(refusal(name, getattr(error, "zh", str(error)), getattr(error, "en", "unreadable")))
            continue
        owner = owners.setdefault((identity.kind, identity.key), name)
        if owner != name:
            zh = f"与 {owner} 是同一个定义 {identity.key}"
            troubles.append(refusal(name, zh, f"{identity.key} is in {owner} too"))
        troubles.extend(_unkeepable(name, identity))
        identities[name] = identity
    if not files:
        troubles.append(refusal("", "没有文件", "no files"))
    return identities, troubles


def _unkeepable(name: str, identity: Identity) -> Iterator[Finding]:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        yield refusal(name, "文件名须是相对路径，且不含 ..", "the file's name must be a relative path without ..")
    for text, most, zh, en in (
        (name, MAX_NAME, "文件名", "file's name"),
        (identity.key, MAX_KEY, "标识", "key"),
        (identity.name, MAX_NAME, "名称", "name"),
    ):
        if found := trouble(text, most):
            yield refusal(name, f"{zh}{found}", f"the {en} is longer than {most} characters or has some that are lost")

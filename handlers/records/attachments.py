"""Files that show the symptom (R080): what may be added, told by their content, and how they are kept.

A file's type is read from its first bytes and never believed from its name or from the browser. Only the listed types
are kept; they are handed out as downloads only.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert

from engine.context import Context
from engine.errors import InvalidValuesError
from handlers.records.tables import LINE, attachment, attachment_content

FIELD = "files"
MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 5  # at a time
TEXT = "text/plain"
_ZIP, _OLE = "application/zip", "application/x-ole-storage"

# First bytes → type. A RIFF file is a picture only if it says so after its length.
_MAGIC: Sequence[tuple[bytes, str]] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", _ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _OLE),
)
# The extensions that a type may have; office files are told from each other by theirs.
_EXTENSIONS = {
    "image/png": {"png"},
    "image/jpeg": {"jpg", "jpeg"},
    "image/gif": {"gif"},
    "image/webp": {"webp"},
    "application/pdf": {"pdf"},
    _ZIP: {"zip", "docx", "xlsx", "pptx"},
    _OLE: {"doc", "xls", "ppt", "msg"},
    TEXT: {"txt", "log", "csv"},
}
ACCEPTED = tuple(f".{each}" for group in _EXTENSIONS.values() for each in sorted(group))
_ENCODINGS = ("utf-8-sig", "gb18030")
_LOOKED_AT = 64 * 1024  # bytes of a text that must be readable
_UNSAFE = re.compile(r'[\\/:*?"<>|]')


@dataclass(frozen=True, slots=True)
class File:
    """One file that may be kept: name without path, type by its content, bytes."""

    name: str
    content_type: str
    content: bytes


def checked(named: Sequence[tuple[str, bytes]]) -> list[File]:
    """The files of one submission, (name, content); raises InvalidValuesError naming each that cannot be kept."""
    if len(named) > MOST_FILES:
        raise InvalidValuesError({FIELD: f"一次最多添加 {MOST_FILES} 个附件"})
    files, problems = [], []
    for name, content in named:
        name = clean_name(name)
        kind = type_of(name, content)
        if not content:
            problems.append(f"“{name}”是空文件")
        elif len(content) > MOST_BYTES:
            problems.append(f"“{name}”超过 {MOST_BYTES // 1024 // 1024} MB")
        elif kind is None:
            problems.append(f"“{name}”的类型不能添加，或内容与扩展名不符")
        else:
            files.append(File(name, kind, content))
    if problems:
        raise InvalidValuesError({FIELD: "；".join(problems)})
    return files


def type_of(name: str, content: bytes) -> str | None:
    """The type that ``content`` shows, if the extension of ``name`` is one of that type's; else None."""
    found = _sniffed(content)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    return found if found and extension in _EXTENSIONS[found] else None


def clean_name(name: str) -> str:
    """A file name that is safe in a header and on every disk: no path, no control characters, not too long."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(each for each in name if unicodedata.category(each)[0] != "C")
    name = _UNSAFE.sub("_", name).strip(" .") or "附件"
    stem, dot, extension = name.rpartition(".")
    return name if len(name) <= LINE else f"{stem[: LINE - len(extension) - 1]}{dot}{extension}"[:LINE]


def add(ctx: Context, incident_id: int, files: Sequence[File]) -> list[int]:
    """Keep the files with an incident; returns their ids."""
    return [_add(ctx, incident_id, file) for file in files]


def _add(ctx: Context, incident_id: int, file: File) -> int:
    row = {
        "incident_id": incident_id,
        "at": ctx.now,
        "actor": ctx.actor,
        "on_behalf_of": ctx.on_behalf_of,
        "name": file.name,
        "content_type": file.content_type,
        "size": len(file.content),
        "content_hash": hashlib.sha256(file.content).hexdigest(),
    }
    added: int = ctx.connection.execute(insert(attachment).values(**row).returning(attachment.c.id)).scalar_one()
    ctx.connection.execute(insert(attachment_content).values(attachment_id=added, content=file.content))
    return added


def _sniffed(content: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return TEXT if _is_text(content[:_LOOKED_AT], whole=len(content) <= _LOOKED_AT) else None


def _is_text(content: bytes, *, whole: bool) -> bool:
    """Whether bytes read as text; the last character of a part may be cut in two."""
    if b"\0" in content:
        return False
    for cut in range(1 if whole else 4):
        for encoding in _ENCODINGS:
            try:
                content[: len(content) - cut].decode(encoding)
            except UnicodeDecodeError:
                continue
            return True
    return False

"""Files: what may be kept is told by content, and names are made safe."""

from __future__ import annotations

import pytest

from engine.errors import InvalidValuesError
from handlers.records import attachments

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


@pytest.mark.proves("R080")
@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("报错.png", PNG, "image/png"),
        ("照片.JPG", b"\xff\xd8\xff\xe0" + b"\0" * 9, "image/jpeg"),
        ("动图.gif", b"GIF89a" + b"\0" * 9, "image/gif"),
        ("截屏.webp", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        ("说明.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("号码清单.xlsx", b"PK\x03\x04\x14\0", "application/zip"),
        ("旧清单.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "application/x-ole-storage"),
        ("日志.log", "第一行\n".encode(), "text/plain"),
        ("日志.txt", "第一行\n".encode("gb18030"), "text/plain"),
        ("长日志.log", "报错\n".encode() * 20_000, "text/plain"),
    ],
)
def test_a_file_is_kept_by_what_its_content_shows(name: str, content: bytes, kind: str) -> None:
    assert [file.content_type for file in attachments.checked([(name, content)])] == [kind]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("页面.html", b"<html><script>alert(1)</script>"),
        ("图.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("程序.exe", b"MZ\x90\0"),
        ("程序.png", b"MZ\x90\0"),
        ("页面.png", b"<html>"),
        ("图片.pdf", PNG),
        ("没有扩展名", b"text"),
        ("二进制.txt", b"\0\1\2"),
        ("声音.webp", b"RIFF\x10\0\0\0WAVEfmt "),
        ("空.txt", b""),
    ],
)
def test_a_file_that_is_not_what_it_says_or_not_listed_is_refused_by_name(name: str, content: bytes) -> None:
    with pytest.raises(InvalidValuesError) as refused:
        attachments.checked([(name, content)])
    assert name in refused.value.problems["files"]


@pytest.mark.parametrize(("more", "kept"), [(-1, True), (0, True), (1, False)])
def test_a_file_may_have_ten_megabytes(more: int, kept: bool) -> None:
    content = b"%PDF-".ljust(attachments.MOST_BYTES + more, b" ")
    if kept:
        assert attachments.checked([("a.pdf", content)])
    else:
        with pytest.raises(InvalidValuesError):
            attachments.checked([("a.pdf", content)])


@pytest.mark.parametrize(("number", "kept"), [(4, True), (5, True), (6, False)])
def test_five_files_may_come_at_a_time(number: int, kept: bool) -> None:
    files = [(f"{n}.txt", b"a") for n in range(number)]
    if kept:
        assert len(attachments.checked(files)) == number
    else:
        with pytest.raises(InvalidValuesError):
            attachments.checked(files)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("C:\\用户\\报错.png", "报错.png"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ('a"b\r\nX: y.txt', "a_bX_ y.txt"),
        ("‮gnp.txt", "gnp.txt"),
        ("   ", "附件"),
        (f"{'长' * 300}.txt", f"{'长' * 196}.txt"),
    ],
)
def test_names_lose_paths_and_what_would_break_a_header(given: str, clean: str) -> None:
    assert attachments.clean_name(given) == clean

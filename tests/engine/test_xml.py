"""XML from outside: read within limits, refused with a reason, never anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.xml import XmlLimits, XmlRefused, line_of, parse_xml, xml_bool


def refusal(data: bytes, limits: XmlLimits | None = None) -> XmlRefused:
    with pytest.raises(XmlRefused) as caught:
        parse_xml(data, limits or XmlLimits())
    return caught.value


def test_a_plain_document_becomes_a_tree_with_lines() -> None:
    root = parse_xml(b"<a>\n <b/>\n <c/>\n</a>")
    assert [line_of(child) for child in root] == [2, 3]


def test_a_document_in_another_encoding_is_read() -> None:
    assert parse_xml('<?xml version="1.0" encoding="UTF-16"?><a>事件</a>'.encode("utf-16")).text == "事件"


@pytest.mark.parametrize(
    "data", [b"", b"   ", b"<a", b"<a></b>", b"\x00", b"\xff\xfe", b"{}", b"<a/><b/>", b"<a>&x;</a>"]
)
def test_what_is_not_xml_is_refused_as_malformed(data: bytes) -> None:
    assert refusal(data).kind == "malformed"


def test_an_unknown_encoding_is_malformed() -> None:
    assert refusal(b'<?xml version="1.0" encoding="nope"?><a/>').kind == "malformed"


def test_a_malformed_document_names_the_line() -> None:
    assert refusal(b"<a>\n<b>\n</a>").line == 3


def test_a_doctype_is_refused_with_its_line() -> None:
    refused = refusal(b'<?xml version="1.0"?>\n\n<!DOCTYPE a>\n<a/>')
    assert (refused.kind, refused.line) == ("doctype", 3)


def test_entities_are_never_expanded_nor_files_read() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 9999 + b'"><!ENTITY f SYSTEM "file:///etc/passwd">]><a>&x;&f;</a>'
    assert refusal(bomb).kind == "doctype"


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
def test_bytes_before_at_and_after_the_limit(size: int, fits: bool) -> None:
    data = b"<a>" + b" " * (size - 7) + b"</a>"
    if fits:
        assert parse_xml(data, XmlLimits(max_bytes=100)).tag == "a"
    else:
        assert refusal(data, XmlLimits(max_bytes=100)).kind == "bytes"


@pytest.mark.parametrize(("depth", "fits"), [(4, True), (5, True), (6, False)])
def test_depth_before_at_and_after_the_limit(depth: int, fits: bool) -> None:
    data = b"<a>" * depth + b"</a>" * depth
    if fits:
        assert parse_xml(data, XmlLimits(max_depth=5)).tag == "a"
    else:
        assert refusal(data, XmlLimits(max_depth=5)).kind == "depth"


@pytest.mark.parametrize(("count", "fits"), [(4, True), (5, True), (6, False)])
def test_elements_before_at_and_after_the_limit(count: int, fits: bool) -> None:
    data = b"<a>" + b"<b/>" * (count - 1) + b"</a>"
    if fits:
        assert parse_xml(data, XmlLimits(max_elements=5)).tag == "a"
    else:
        assert refusal(data, XmlLimits(max_elements=5)).kind == "elements"


def test_a_refusal_speaks_both_languages() -> None:
    refused = refusal(b"<!DOCTYPE a><a/>")
    assert "DOCTYPE" in refused.why_zh
    assert "DOCTYPE" in refused.why_en


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"<a>{text}</a>".encode()))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_a_tree_or_a_refusal(data: bytes) -> None:
    try:
        parse_xml(data)
    except XmlRefused as refused:
        assert refused.line >= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [("true", True), ("1", True), ("false", False), ("0", False)]
    + [(other, None) for other in ("", "no", "FALSE", "True", " false ", "00", "yes")],
)
def test_a_boolean_has_four_spellings(text: str, said: bool | None) -> None:
    element = parse_xml(f'<a b="{text}"/>'.encode())
    assert xml_bool(element, "b", default=True) is said
    assert xml_bool(element, "b", default=False) is said


def test_a_boolean_that_is_absent_has_its_default() -> None:
    element = parse_xml(b"<a/>")
    assert xml_bool(element, "b", default=True) is True
    assert xml_bool(element, "b", default=False) is False

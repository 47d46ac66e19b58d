"""Writes DMN files as dmn-js does, for the tests."""

from __future__ import annotations

from xml.sax.saxutils import escape

from engine.decisions import Model, load_model

NS_1_3 = "https://www.omg.org/spec/DMN/20191111/MODEL/"


def file(body: str, namespace: str = NS_1_3) -> bytes:
    """Definitions around decisions, inputs and item definitions."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<definitions xmlns="{namespace}" id="d" name="测试"'
        f' namespace="http://camunda.org/schema/1.0/dmn">{body}</definitions>'
    ).encode()


def literal(text: str, *, name: str = "答案", more: str = "", variable: str = "") -> str:
    """A decision that is a literal expression."""
    return (
        f'<decision id="answer" name="{name}">{variable}{more}'
        f"<literalExpression><text>{escape(text)}</text></literalExpression></decision>"
    )


def value(text: str, **inputs: object) -> object:
    """What an expression gives."""
    return load_model(file(literal(text))).decide("answer", inputs).result


def table(
    inputs: list[tuple[str, str]] | list[tuple[str, str, str]],
    rows: list[list[str]],
    *,
    outputs: list[str] | None = None,
    policy: str = "UNIQUE",
    aggregation: str = "",
    types: list[str] | None = None,
) -> str:
    """A decision table; an input is (expression, typeRef[, input values]); ``outputs`` are inner XML of each output."""
    outputs = outputs if outputs is not None else [""] * (len(rows[0]) - len(inputs) if rows else 1)
    types = types or [""] * len(outputs)
    parts = [f'<decisionTable id="table" hitPolicy="{policy}"{f" aggregation={aggregation!r}" if aggregation else ""}>']
    for number, (expression, type_, *values) in enumerate(inputs, 1):
        reference = f' typeRef="{type_}"' if type_ else ""
        allowed = f'<inputValues id="v{number}"><text>{escape(values[0])}</text></inputValues>' if values else ""
        parts.append(
            f'<input id="Input_{number}" label="{escape(expression)}"><inputExpression id="E_{number}"{reference}>'
            f"<text>{escape(expression)}</text></inputExpression>{allowed}</input>"
        )
    for number, (inner, type_) in enumerate(zip(outputs, types, strict=True), 1):
        reference = f' typeRef="{type_}"' if type_ else ""
        parts.append(f'<output id="Output_{number}" name="o{number}"{reference}>{inner}</output>')
    for number, row in enumerate(rows, 1):
        parts.append(f'<rule id="r{number}">')
        for place, text in enumerate(row):
            kind = "inputEntry" if place < len(inputs) else "outputEntry"
            parts.append(f'<{kind} id="c{number}_{place}"><text><![CDATA[{text}]]></text></{kind}>')
        parts.append("</rule>")
    return "".join(parts) + "</decisionTable>"


def model(table_xml: str, *, more: str = "", name: str = "决定") -> Model:
    """A model of one decision, id ``t``."""
    return load_model(file(f'{more}<decision id="t" name="{name}">{table_xml}</decision>'))

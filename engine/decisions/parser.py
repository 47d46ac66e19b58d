"""A recursive-descent parser for S-FEEL expressions and unary tests (DMN 1.3, chapter 9, with what dmn-js writes).

Bounded in length and depth. Raises ExpressionRefusedError for text that is no expression, UnsupportedError for FEEL
above conformance level 2 (``for``, ``some``, ``every``, ``function``, ``instance of``, filters), and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from engine.decisions.errors import ExpressionRefusedError, UnsupportedError
from engine.decisions.functions import BUILTINS
from engine.decisions.syntax import (
    Call,
    Choice,
    Const,
    Entries,
    Interval,
    Items,
    Member,
    Name,
    Node,
    Operation,
    Path,
    Test,
    Tests,
)
from engine.decisions.temporal import parse_any
from engine.decisions.tokens import KEYWORDS, Names, Token, normalized, refuse, tokenize, unescape
from engine.decisions.values import MATH, number

MAX_DEPTH = 40
MAX_CHAIN = 250
_BINDING = {"or": 1, "and": 2, "+": 4, "-": 4, "*": 5, "/": 5, "**": 6}
_COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">="))
_COMPARING = 3
_LEVEL_3 = frozenset(("for", "some", "every", "function"))
_CONSTANTS = {"true": True, "false": False, "null": None}
_FOREIGN_SIGNS = "“”‘’，（）＝＜＞≤≥≠【】"


def parse_expression(source: str, names: Names) -> Node:
    """The tree of one expression; ``names`` are the declared names that may occur."""
    parser = _Parser(source, names)
    node = parser.expression()
    parser.finish()
    return node


def parse_tests(source: str, names: Names) -> Tests:
    """The tree of a table cell or of a list of allowed values; empty and ``-`` mean any value."""
    if source.strip() in ("", "-"):
        return Tests(())
    parser = _Parser(source, names)
    tests = parser.cell()
    parser.finish()
    return tests


class _Parser:
    def __init__(self, source: str, names: Names) -> None:
        self.source = source
        self.names = names
        self.tokens = tokenize(source)
        self.position = 0
        self.depth = 0
        self.chain = 0
        self.inside_interval = False

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def error(self, zh: str, en: str) -> ExpressionRefusedError:
        return refuse(self.source, self.token.start, zh, en)

    def unsupported(self, what: str) -> UnsupportedError:
        cause = self.error(f"“{what}”超出 DMN 一致性级别 2", f"{what!r} is above DMN conformance level 2")
        return UnsupportedError(cause.zh, cause.en)

    def accept(self, *signs: str) -> str | None:
        if self.token.kind in ("sign", "word") and self.token.text in signs:
            self.position += 1
            return self.tokens[self.position - 1].text
        return None

    def expect(self, *signs: str) -> str:
        found = self.accept(*signs)
        if found is None:
            wanted = " ".join(signs)
            raise self.error(f"此处应为 {wanted}{self.hint()}", f"expected {wanted}")
        return found

    def hint(self) -> str:
        text = self.token.text
        return "（请使用英文半角符号）" if text and text in _FOREIGN_SIGNS else ""

    def finish(self) -> None:
        if self.token.kind != "end":
            raise self.error(f"多余的“{self.token.text}”{self.hint()}", f"unexpected {self.token.text!r}")

    def nested(self, rule: Callable[[], Node]) -> Node:
        """Run a rule one level deeper, with the meaning of ``[`` after a value reset."""
        if self.depth >= MAX_DEPTH:
            raise self.error(f"嵌套不得超过 {MAX_DEPTH} 层", f"nested deeper than {MAX_DEPTH}")
        outer, self.inside_interval = self.inside_interval, False
        self.depth += 1
        try:
            return rule()
        finally:
            self.depth -= 1
            self.inside_interval = outer

    # Cells

    def cell(self) -> Tests:
        if self.token.text == "not" and self.tokens[self.position + 1].text == "(":
            start = self.position
            self.position += 2
            tests = self.test_list()
            self.expect(")")
            if self.token.kind == "end":
                return Tests(tests, negated=True)
            self.position = start  # not(…) is only the beginning of a longer expression
        return Tests(self.test_list())

    def test_list(self) -> tuple[Test, ...]:
        tests = [self.test()]
        while self.accept(","):
            tests.append(self.test())
        return tuple(tests)

    def test(self) -> Test:
        operator = self.accept(*_COMPARISONS)
        return Test(operator, self.nested(lambda: self.binary(_COMPARING + 1) if operator else self.expression()))

    # Expressions

    def expression(self) -> Node:
        return self.nested(lambda: self.binary(1))

    def grown(self) -> None:
        self.chain += 1
        if self.chain > MAX_CHAIN:
            raise self.error(f"运算符不得超过 {MAX_CHAIN} 个", f"more than {MAX_CHAIN} operators")

    def binary(self, least: int) -> Node:
        left = self.unary()
        while True:
            operator = self.token.text if self.token.kind in ("sign", "word") else ""
            binding = _BINDING.get(operator, 0)
            if binding and binding >= least:
                self.grown()
                self.position += 1
                left = Operation(operator, left, self.binary(binding + 1))
            elif least <= _COMPARING and (operator in _COMPARISONS or operator in ("between", "in", "instance")):
                self.grown()
                left = self.comparison(left, operator)
            else:
                return left

    def comparison(self, left: Node, operator: str) -> Node:
        if operator == "instance":
            raise self.unsupported("instance of")
        self.position += 1
        if operator == "between":
            low = self.binary(_COMPARING + 1)
            self.expect("and")
            high = self.binary(_COMPARING + 1)
            return Operation("and", Operation(">=", left, low), Operation("<=", left, high))
        if operator == "in":
            return Member(left, self.members())
        return Operation(operator, left, self.binary(_COMPARING + 1))

    def members(self) -> Tests:
        """The right side of ``in``: one test, or several in parentheses, where ``(a..b)`` is an interval."""
        if self.token.text != "(":
            operator = self.accept(*_COMPARISONS)
            return Tests((Test(operator, self.binary(_COMPARING + 1)),))
        self.position += 1
        first = self.test()
        if first.operator is None and self.accept(".."):
            return Tests((Test(None, self.interval(first.value, low_closed=False)),))
        tests = [first]
        while self.accept(","):
            tests.append(self.test())
        self.expect(")")
        return Tests(tuple(tests))

    def unary(self) -> Node:
        if self.accept("-"):
            self.grown()
            operand = self.nested(self.unary)
            return Operation("neg", Const(None), operand)
        return self.postfix()

    def postfix(self) -> Node:
        node = self.primary()
        while True:
            if self.token.text == "(" and isinstance(node, Name | Path):
                self.grown()
                self.check_function(node)
                self.position += 1
                node = Call(node, self.arguments())
            elif self.token.text == "." and self.token.kind == "sign":
                self.grown()
                self.position += 1
                node = Path(node, self.property_name())
            elif self.token.text == "[" and not self.inside_interval:
                raise self.unsupported("[…] filter")
            else:
                return node

    def check_function(self, node: Name | Path) -> None:
        """A name that is called must be a built-in function, business knowledge, or a variable that may hold one."""
        if isinstance(node, Path) or node.name in BUILTINS or node.name in self.names:
            return
        cause = self.error(f"没有函数“{node.name}”，或它超出级别 2", f"no function {node.name!r} at level 2")
        raise UnsupportedError(cause.zh, cause.en)

    def property_name(self) -> str:
        found = self.names.longest(self.tokens, self.position)
        if found is not None:
            self.position += found[1]
            return found[0]
        if self.token.kind != "word":
            raise self.error("此处应为名称", "expected a name")
        self.position += 1
        return self.tokens[self.position - 1].text

    def arguments(self) -> tuple[tuple[str | None, Node], ...]:
        arguments: list[tuple[str | None, Node]] = []
        if self.accept(")"):
            return ()
        while True:
            name = self.label()
            if arguments and (name is None) != (arguments[0][0] is None):
                raise self.error("不可混用按名与按位参数", "named and positional arguments are mixed")
            arguments.append((name, self.expression()))
            if self.expect(",", ")") == ")":
                return tuple(arguments)

    def label(self) -> str | None:
        """The name before a colon, of a parameter or a context entry; None if no colon follows."""
        if self.token.kind == "text" and self.tokens[self.position + 1].text == ":":
            self.position += 2
            return unescape(self.tokens[self.position - 2].text[1:-1])
        end = self.position
        while self.tokens[end].kind in ("word", "number") or self.tokens[end].text in ("-", "'", "/", "+", "*", "."):
            end += 1
        if end == self.position or self.tokens[end].text != ":":
            return None
        start = self.token.start
        self.position = end + 1
        return normalized(self.source[start : self.tokens[end].start])

    def primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            self.position += 1
            return Const(number(MATH.create_decimal(Decimal(token.text[:400]))))
        if token.kind == "text":
            self.position += 1
            if token.text.startswith("@"):
                return Const(parse_any(unescape(token.text[2:-1])))
            return Const(unescape(token.text[1:-1]))
        if token.text == "?":
            self.position += 1
            return Name("?")
        if token.text in ("(", "[", "]"):
            return self.bracket()
        if token.text == "{":
            return self.nested(self.entries)
        return self.word()

    def bracket(self) -> Node:
        """A parenthesis, a list, or an interval, told apart by what follows the first value."""
        opening = self.token.text
        self.position += 1
        if opening == "[" and self.accept("]"):
            return Items(())
        first = self.expression()
        if self.accept(".."):
            return self.interval(first, low_closed=opening == "[")
        if opening == "]":
            raise self.error("此处应为 ..", "expected ..")
        if opening == "(":
            self.expect(")")
            return first
        items = [first]
        while self.expect(",", "]") == ",":
            items.append(self.expression())
        return Items(tuple(items))

    def interval(self, low: Node, *, low_closed: bool) -> Interval:
        outer, self.inside_interval = self.inside_interval, True
        high = self.binary(_COMPARING + 1)
        self.inside_interval = outer
        closing = self.expect("]", ")", "[")
        return Interval(low, low_closed, high, closing == "]")

    def entries(self) -> Node:
        self.position += 1
        entries: list[tuple[str, Node]] = []
        outer = self.names
        while not self.accept("}"):
            if entries:
                self.expect(",")
            name = self.label()
            if name is None:
                raise self.error("此处应为“名称:”", "expected a name and a colon")
            entries.append((name, self.expression()))
            self.names = self.names.plus([name])
        self.names = outer
        return Entries(tuple(entries))

    def word(self) -> Node:
        """The longest declared name, or a built-in function that is called here, or a keyword, or a new name."""
        token = self.token
        declared = self.names.longest(self.tokens, self.position)
        builtin = BUILTIN_NAMES.longest(self.tokens, self.position)
        if builtin is not None and self.tokens[self.position + builtin[1]].text != "(":
            builtin = None
        found = max(filter(None, (declared, builtin)), key=lambda match: match[1], default=None)
        if token.text in KEYWORDS and (found is None or found[1] == 1):
            return self.keyword()
        if found is not None:
            self.position += found[1]
            return Name(found[0])
        if token.kind != "word":
            shown = token.text or "结尾"
            raise self.error(f"意外的“{shown}”{self.hint()}", f"unexpected {token.text or 'end'!r}")
        return self.undeclared()

    def keyword(self) -> Node:
        word = self.token.text
        if word in _LEVEL_3:
            raise self.unsupported(word)
        if word in _CONSTANTS:
            self.position += 1
            return Const(_CONSTANTS[word])
        if word != "if":
            raise self.error(f"意外的“{word}”", f"unexpected {word!r}")
        self.position += 1
        condition = self.expression()
        self.expect("then")
        then = self.expression()
        self.expect("else")
        return Choice(condition, then, self.expression())

    def undeclared(self) -> Node:
        """Words side by side that nobody declared are one name with spaces."""
        start = self.position
        while self.token.kind == "word" and self.token.text not in KEYWORDS:
            self.position += 1
        return Name(" ".join(token.text for token in self.tokens[start : self.position]))


BUILTIN_NAMES = Names(BUILTINS)

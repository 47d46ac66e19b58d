"""Seeded damage to files: what a broken editor, a bad merge or a hostile hand can do to a diagram."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from lxml import etree

from tests.engine.check.draw import about, border, bpmn, catch, choice, el, end, message_, start, timer, user

Damage = Callable[[Random, bytes], bytes]
WORDS = ("", " ", "x", "true", "'", "🙂" * 200, "a" * 5000, "-1", "{}", "{0.__class__}", "\n", "1e999", "NaN")


def flip_bytes(random: Random, data: bytes) -> bytes:
    """A few bytes become others."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def cut(random: Random, data: bytes) -> bytes:
    """A piece is missing or stands twice."""
    one, two = sorted(random.randrange(len(data)) for _ in range(2))
    return data[:one] + data[two:] if random.random() < 0.5 else data[:two] + data[one:]


def _tree(change: Callable[[Random, list[etree._Element]], None]) -> Damage:
    def damage(random: Random, data: bytes) -> bytes:
        root = etree.fromstring(data)
        for _ in range(random.randint(1, 4)):
            elements = [element for element in root.iter() if isinstance(element.tag, str) and element is not root]
            if elements:
                change(random, elements)
        return etree.tostring(root)

    return damage


def _delete(random: Random, elements: list[etree._Element]) -> None:
    element = random.choice(elements)
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def _double(random: Random, elements: list[etree._Element]) -> None:
    element = random.choice(elements)
    element.addnext(etree.fromstring(etree.tostring(element, with_tail=False)))


def _move(random: Random, elements: list[etree._Element]) -> None:
    element, target = random.choice(elements), random.choice(elements)
    if target not in set(element.iter()):
        target.append(element)


def _rename(random: Random, elements: list[etree._Element]) -> None:
    element, other = random.choice(elements), random.choice(elements)
    element.tag = other.tag


def _attribute(random: Random, elements: list[etree._Element]) -> None:
    element = random.choice(elements)
    names = list(element.attrib) or ["id"]
    others = [value for each in elements for value in each.attrib.values()]
    element.set(random.choice(names), random.choice([*WORDS, random.choice(others or ["x"])]).replace("\x00", ""))


def _without(random: Random, elements: list[etree._Element]) -> None:
    element = random.choice(elements)
    if element.attrib:
        del element.attrib[random.choice(list(element.attrib))]


def _text(random: Random, elements: list[etree._Element]) -> None:
    random.choice(elements).text = random.choice(WORDS)


DAMAGES: tuple[Damage, ...] = (
    flip_bytes,
    cut,
    *map(_tree, (_delete, _double, _move, _rename, _attribute, _without, _text)),
)


def damaged(random: Random, data: bytes) -> bytes:
    """``data`` after one to three damages; a tree that is broken already gets its bytes damaged further."""
    for _ in range(random.randint(1, 3)):
        damage = random.choice(DAMAGES)
        try:
            data = damage(random, data) or b"<"
        except etree.XMLSyntaxError:
            data = flip_bytes(random, data)
    return data


def stand_in(random: Random) -> bytes:
    """A diagram of random nodes and flows, where no real ones are at hand."""
    size = random.randint(2, 12)
    kinds = [
        lambda n: user(f"n{n}"),
        lambda n: choice(f"n{n}"),
        lambda n: catch(f"n{n}", random.choice([about("M_m"), timer("'P1D'"), "<bpmn:linkEventDefinition/>"])),
        lambda n: el(random.choice(["parallelGateway", "eventBasedGateway", "task", "inclusiveGateway"]), f"n{n}"),
        lambda n: el("subProcess", f"n{n}", nodes=[start(f"s{n}"), end(f"e{n}")], flows=[f"s{n}>e{n}"]),
        lambda n: border(f"n{n}", f"n{random.randrange(size)}", timer("'P1D'")),
        lambda n: end(f"n{n}"),
    ]
    nodes = [start("n0"), *(random.choice(kinds)(n) for n in range(1, size))]
    flows = [f"n{random.randrange(size)}>n{random.randrange(size)}" for _ in range(size + 2)]
    return bpmn(nodes, flows, declared=message_("M_m")).encode()

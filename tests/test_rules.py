"""docs/rules.toml is held both ways: no rule without its home and its tests, no mark without its rule."""

from tests.rules import RULE_ID, home_problem, marked_tests, read_rules


def test_every_rule_names_just_the_tests_that_are_marked_with_it() -> None:
    marked = marked_tests()
    wrong = {
        id_: {"named": sorted(rule.tests), "marked": sorted(marked.get(id_, ()))}
        for id_, rule in read_rules().items()
        if set(rule.tests) != marked.get(id_, set()) or not rule.tests
    }
    assert wrong == {}


def test_every_marked_number_is_a_rule() -> None:
    assert sorted(set(marked_tests()) - set(read_rules())) == []


def test_every_rule_has_a_number_a_sentence_and_a_home_that_exists() -> None:
    for id_, rule in read_rules().items():
        assert RULE_ID.fullmatch(id_), id_
        assert rule.says, id_
        assert rule.homes, f"{id_} has no home"
        assert [problem for home in rule.homes if (problem := home_problem(home))] == [], id_

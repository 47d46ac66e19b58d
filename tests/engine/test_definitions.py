from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.exc import DatabaseError

from engine import bundles, definitions, instances
from engine import persistence as db
from engine.catalogue import Catalogue
from engine.context import Context
from engine.errors import DeploymentRefusedError, InvalidValuesError, NotFoundError
from engine.spiff import ProgramError
from tests.engine.test_decide import discount
from tests.engine.toys import APPROVE, FILES, FILL, NOW, Toy, form, order

DAY = timedelta(days=1)


def known(toy: Toy) -> Catalogue:
    return toy.do(definitions.catalogue)


def version(toy: Toy, at: datetime, key: str = "order") -> int | None:
    ref = known(toy).in_force("process", key, at)
    return ref and ref.version


def test_a_deployment_stores_every_file_byte_for_byte_as_version_one(toy: Toy) -> None:
    again = toy.do(definitions.deploy, {"order.bpmn": order("改")}, reason="改名")
    assert [(ref.key, ref.version, ref.name) for ref in again.definitions] == [("order", 2, "流程 order")]
    ref = known(toy).in_force("process", "order", NOW)
    assert ref is not None
    assert toy.do(definitions.content, ref.id) == order("改")
    (row,) = toy.rows(db.deployment, id=again.id)
    assert (row.author, row.reason, row.deployed_at, row.effective_from) == ("岗01", "改名", NOW, NOW)


def test_the_same_content_again_is_the_same_version(toy: Toy) -> None:
    before = toy.count(db.definition)
    again = toy.deploy()
    assert {ref.version for ref in again.definitions} == {1}
    assert toy.count(db.definition) == before


def test_deploying_an_old_content_rolls_back_to_its_version_number(toy: Toy) -> None:
    toy.deploy({"order.bpmn": order("改")})
    assert version(toy, NOW) == 2
    toy.deploy({"order.bpmn": order()})
    assert version(toy, NOW) == 1


@pytest.mark.parametrize(("at", "expected"), [(-1, 1), (0, 2), (1, 2)])
def test_a_definition_takes_force_at_its_instant(toy: Toy, at: int, expected: int) -> None:
    toy.deploy({"order.bpmn": order("改")}, effective_from=NOW + DAY)
    assert version(toy, NOW + DAY + timedelta(microseconds=at)) == expected


def test_the_first_deployment_holds_since_ever(toy: Toy) -> None:
    assert version(toy, datetime.min.replace(tzinfo=NOW.tzinfo)) == 1


def test_of_two_for_one_instant_the_later_deployment_holds(toy: Toy) -> None:
    toy.deploy({"order.bpmn": order("二")}, effective_from=NOW + DAY)
    toy.deploy({"order.bpmn": order("三")}, effective_from=NOW + DAY)
    assert version(toy, NOW + DAY) == 3


def test_a_deployment_in_between_does_not_undo_what_is_planned_later(toy: Toy) -> None:
    toy.deploy({"order.bpmn": order("后")}, effective_from=NOW + 10 * DAY)
    toy.deploy({"order.bpmn": order("前")}, effective_from=NOW + 5 * DAY)
    assert [version(toy, NOW + days * DAY) for days in (4, 5, 10)] == [1, 3, 2]


def test_a_refused_deployment_stores_nothing_and_names_file_line_and_reason(toy: Toy) -> None:
    before = toy.count(db.definition), toy.count(db.deployment)
    files = {"order.bpmn": order().replace(b"order.price", b"order.unknown"), "fill.json": FILL}
    with pytest.raises(DeploymentRefusedError) as refused:
        toy.deploy(files)
    (finding,) = [one for one in refused.value.findings if one.severity == "error"]
    assert (finding.file, finding.element) == ("order.bpmn", "o_price")
    assert (toy.count(db.definition), toy.count(db.deployment)) == before


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.bpmn": b""},
        {"a.bpmn": b"<a/>"},
        {"a.bpmn": "\u4e2d".encode()},
        {"a.dmn": b"<!DOCTYPE a><a/>"},
        {"a.json": b"[]"},
        {"a.json": b"{"},
        {"a.txt": b"hello"},
        {"a.json": FILL, "b.json": FILL},
        {"a.dmn": b"<definitions/>"},
        {"a.dmn": discount().replace(b"<decision ", b"<!-- x --><?y z?><decision ") + b"<!--", "b.json": b""},
        {"a.dmn": b"<definitions><!-- x --><?y z?></definitions>"},
        {"/tmp/fill.json": FILL},
        {"../fill.json": FILL},
        {"f" * 196 + ".json": FILL},
        {"a\0.json": FILL},
        {"a.json": form("a\0b")},
    ],
)
def test_files_of_any_origin_get_findings_and_never_a_traceback(lite: Toy, files: dict[str, bytes]) -> None:
    with pytest.raises(DeploymentRefusedError) as refused:
        lite.deploy(files)
    assert any(finding.severity == "error" and finding.zh for finding in refused.value.findings)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(FILES)), st.integers(0, 400), st.sampled_from(["<!-- x -->", "<?y z?>", "<", "&", ""]))
def test_a_damaged_file_is_deployed_or_refused_with_findings(lite: Toy, name: str, place: int, piece: str) -> None:
    data = FILES[name]
    cut = data.find(b">", place) + 1
    try:
        lite.deploy(FILES | {name: data[:cut] + piece.encode() + data[cut:]})
    except DeploymentRefusedError as refused:
        assert refused.findings


def test_a_decision_file_with_comments_between_its_decisions_is_deployed(lite: Toy) -> None:
    done = lite.deploy({"d.dmn": discount().replace(b"<decision ", b"<!-- why --><?editor x?><decision ")})
    assert [ref.key for ref in done.definitions] == ["discount"]


def test_without_an_instant_a_new_version_is_in_force_from_now_on(toy: Toy) -> None:
    toy.deploy({"order.bpmn": order("二")}, effective_from=NOW)
    toy.deploy({"order.bpmn": order("三")})
    assert (version(toy, NOW - DAY), version(toy, NOW)) == (1, 3)


@pytest.mark.parametrize(("planned", "given"), [(0, -1), (-1, -2), (-2, -3)])
def test_a_deployment_that_would_never_be_in_force_is_refused(toy: Toy, planned: int, given: int) -> None:
    toy.deploy({"order.bpmn": order("二")}, effective_from=NOW + planned * DAY)
    with pytest.raises(DeploymentRefusedError, match="不会生效"):
        toy.deploy({"order.bpmn": order("三")}, effective_from=NOW + given * DAY)
    assert toy.count(db.deployment) == 2


def test_a_deployment_for_the_past_is_in_force_now_and_is_checked(toy: Toy) -> None:
    toy.deploy({"order.bpmn": order("二")}, effective_from=NOW - DAY)
    assert version(toy, NOW) == 2
    with pytest.raises(DeploymentRefusedError):
        toy.deploy({"order.bpmn": order().replace(b"order.price", b"order.unknown")}, effective_from=NOW - DAY)


def test_a_definition_without_version_before_holds_since_ever_beside_the_others(toy: Toy) -> None:
    toy.deploy({"extra.json": form("extra")})
    assert known(toy).in_force("form", "extra", NOW - 9 * DAY)


def test_lanes_must_be_among_the_known_names(lite: Toy) -> None:
    lite.deploy(lanes=["服务台"])
    with pytest.raises(DeploymentRefusedError, match="K707"):
        lite.deploy(lanes=["支持人员"])


def test_what_does_not_compile_is_refused_with_its_place(lite: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(files: dict[str, bytes], process_key: str) -> object:
        raise ProgramError("画不成", file=f"{process_key}.bpmn", line=3, element="o_fill")

    monkeypatch.setattr("engine.bundles.spiff.compile_program", refuse)
    with pytest.raises(DeploymentRefusedError, match="画不成") as refused:
        lite.deploy({"new.bpmn": order("编译")})
    (finding,) = refused.value.findings
    assert (finding.file, finding.line, finding.element) == ("new.bpmn", 3, "o_fill")


def test_a_deployment_compiles_what_it_concerns_and_the_first_start_finds_it(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []
    compile_program = bundles.spiff.compile_program

    def counting(files: dict[str, bytes], process_key: str) -> object:
        compiled.append(process_key)
        return compile_program(files, process_key)

    monkeypatch.setattr("engine.bundles.spiff.compile_program", counting)
    toy.deploy({"order.bpmn": order(f"仅此一次 {toy.engine.dialect.name}")})
    toy.start()
    assert compiled == ["order"]


def test_what_was_examined_before_is_not_checked_again_under_the_lock(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"order.bpmn": order(f"先查 {toy.engine.dialect.name}")}
    assert toy.do(definitions.examine, files) == []
    monkeypatch.setattr("engine.examination.check", None)
    assert toy.deploy(files).definitions[0].version == 2


def test_a_check_is_repeated_if_something_was_deployed_before_the_lock(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    if toy.engine.dialect.name == "sqlite":
        return  # its transaction has the lock from the beginning
    locked = definitions._locked

    def late(ctx: Context) -> Catalogue:
        monkeypatch.setattr(definitions, "_locked", locked)
        toy.deploy({"fill.json": form("fill")})  # without the field that the order writes
        return locked(ctx)

    monkeypatch.setattr(definitions, "_locked", late)
    with pytest.raises(DeploymentRefusedError, match="K057"):
        toy.deploy({"order.bpmn": order("二")})


def test_a_redeployment_after_one_that_was_rolled_back_succeeds(toy: Toy) -> None:
    with pytest.raises(RuntimeError), toy.unit() as ctx:
        definitions.deploy(ctx, {"order.bpmn": order()}, reason="试")
        raise RuntimeError
    assert [ref.version for ref in toy.deploy({"order.bpmn": order()}).definitions] == [1]


@pytest.mark.parametrize("actor", ["x" * 81, "a\0b"])
def test_an_author_who_cannot_be_kept_is_refused(toy: Toy, actor: str) -> None:
    with pytest.raises(InvalidValuesError):
        toy.do(definitions.deploy, FILES, reason="", actor=actor)


def test_a_deployment_is_checked_again_at_each_later_change(toy: Toy) -> None:
    # From day 10 the order names an operation that exists now; the later deployment must not break that instant.
    toy.deploy({"order.bpmn": order("后")}, effective_from=NOW + 10 * DAY)
    del toy.handlers["order.price"]
    toy.handlers["order.cost"] = lambda ctx, call: 1
    with pytest.raises(DeploymentRefusedError):
        toy.deploy({"order.bpmn": order().replace(b"order.price", b"order.cost")})


def test_a_naive_effective_instant_is_refused(lite: Toy) -> None:
    with pytest.raises(ValueError, match="aware"):
        lite.do(definitions.deploy, FILES, reason="", effective_from=datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_running_instance_keeps_its_version_and_a_new_one_takes_the_new(toy: Toy) -> None:
    toy.start(key="1")
    stricter = form("fill", {"amount": {"type": "integer", "title": "金额", "minimum": 100}}, required=["amount"])
    toy.deploy({"fill.json": stricter})
    toy.start(key="2")
    old, new = (toy.do(definitions.load_bundle, row.bundle_id) for row in toy.rows(db.instance))
    assert old.id != new.id
    assert (old.forms["fill"].form.fields["amount"]["minimum"], new.forms["fill"].form.fields["amount"]["minimum"]) == (
        1,
        100,
    )
    toy.complete_of("1", "o_fill", amount=5)


def test_equal_sets_share_one_bundle(toy: Toy) -> None:
    toy.start(key="1")
    toy.start(key="2")
    assert toy.count(db.bundle) == 1


def test_an_unknown_bundle_or_definition_is_not_found(lite: Toy) -> None:
    for verb in (definitions.load_bundle, definitions.content):
        with pytest.raises(NotFoundError):
            lite.do(verb, 999)


def test_a_deployment_that_was_rolled_back_leaves_no_trace_in_the_caches(toy: Toy) -> None:
    with pytest.raises(RuntimeError), toy.unit() as ctx:
        definitions.deploy(ctx, {"order.bpmn": order("回滚")}, reason="试")
        instances.start(ctx, "order", "1", {"order_id": 1})
        raise RuntimeError
    toy.deploy({"order.bpmn": order("真的")})
    toy.start(key="1")
    (row,) = toy.rows(db.instance)
    bundle = toy.do(definitions.load_bundle, row.bundle_id)
    assert any("真的" in element.name for element in bundle.program.elements.values())
    assert version(toy, NOW) == 2


@pytest.mark.proves("R014")
@pytest.mark.parametrize("table", ["definition", "deployment", "deployment_item", "bundle", "history", "decision_log"])
def test_the_database_refuses_to_change_or_delete_what_is_append_only(toy: Toy, table: str) -> None:
    toy.start()
    found = db.metadata.tables[table]
    if table == "decision_log":
        row = {"definition_id": 1, "decided_at": NOW, "inputs": {}, "row_ids": [], "warnings": []}
        with toy.engine.begin() as connection:
            connection.execute(insert(found).values(**row))
    (column, *_rest) = found.primary_key.columns
    for statement in (update(found).values({column.name: column}), delete(found)):
        with pytest.raises(DatabaseError, match="append-only"), toy.engine.begin() as connection:
            connection.execute(statement)
    assert toy.count(found) > 0


@pytest.mark.proves("R014")
@pytest.mark.parametrize("table", ["definition", "history"])
def test_the_database_refuses_to_replace_what_is_append_only(lite: Toy, table: str) -> None:
    lite.start()
    lite.complete("o_fill", amount=1)
    with pytest.raises(DatabaseError, match="append-only"), lite.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")


def test_two_deployments_at_once_come_one_after_the_other(database: Engine) -> None:
    toy = Toy(database)
    toy.deploy()
    barrier = threading.Barrier(2)

    def deploy(name: str) -> None:
        barrier.wait(10)
        toy.deploy({"order.bpmn": order(name)})

    threads = [threading.Thread(target=deploy, args=(name,)) for name in ("甲", "乙")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(row.version for row in toy.rows(db.definition, key="order")) == [1, 2, 3]
    assert len({row.fingerprint for row in toy.rows(db.deployment)}) == 3
    assert version(toy, NOW) == 3


def test_what_is_shared_between_threads_is_the_same_for_all(toy: Toy) -> None:
    assert known(toy) is known(toy)
    assert APPROVE != FILL

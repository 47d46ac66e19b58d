"""What ships in ``processes/``: the files hang together, the tables answer as the handbook says, the diagrams read."""

from __future__ import annotations

import csv
import functools
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from engine import spiff
from engine.check import check
from engine.decisions import Model, load_model
from engine.decisions.check import check_table
from engine.forms import Form, parse_form
from handlers import HANDLERS

PROCESSES = Path(__file__).resolve().parents[2] / "processes"
DIAGRAMS = sorted(PROCESSES.glob("*/*.bpmn"))
NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "bpmndi": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "di": "http://www.omg.org/spec/DD/20100524/DI",
}
BEFORE_THE_PROCESS = ("raise_incident",)  # forms of records that begin before their process does
Point = tuple[float, float]
Part = tuple[Point, Point]
Box = tuple[float, float, float, float]  # x, y, width, height
LANES = ("客户", "服务台", "支持人员", "事件经理", "系统")  # from top to bottom


def _files() -> dict[str, bytes]:
    kinds = ("*/*.bpmn", "decisions/*.dmn", "forms/*.json")
    return {str(path.relative_to(PROCESSES)): path.read_bytes() for kind in kinds for path in PROCESSES.glob(kind)}


@functools.cache
def _program() -> spiff.Program:
    return spiff.compile_program({path.name: path.read_bytes() for path in DIAGRAMS}, "incident")


@functools.cache
def _forms() -> dict[str, Form]:
    return {path.stem: parse_form(path.read_bytes()) for path in (PROCESSES / "forms").glob("*.json")}


@functools.cache
def _reference(table: str) -> dict[str, dict[str, str]]:
    with (PROCESSES / "reference" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_key = {row["key"]: row for row in rows}
    assert len(by_key) == len(rows), f"{table}: a key stands twice"
    return by_key


@functools.cache
def _model(decision: str) -> Model:
    return load_model((PROCESSES / "decisions" / f"{decision}.dmn").read_bytes())


def _ask(decision: str, **inputs: Any) -> Any:
    return _model(decision).decide(decision, inputs).result


def _drawn(path: Path) -> tuple[Any, dict[str, Box]]:
    """The diagram, and the box of each shape by the element's id."""
    root = etree.fromstring(path.read_bytes())
    boxes: dict[str, Box] = {}
    for shape in root.iterfind(".//bpmndi:BPMNShape", NS):
        bounds: Any = shape.find("dc:Bounds", NS)
        x, y, width, height = (float(bounds.get(side)) for side in ("x", "y", "width", "height"))
        boxes[str(shape.get("bpmnElement"))] = (x, y, width, height)
    return root, boxes


def _steps(root: Any) -> list[Any]:
    wanted = ("Task", "Event", "Gateway", "callActivity", "subProcess")
    process = root.find("bpmn:process", NS)
    return [node for node in process.iter("{*}*") if node.get("id") and node.tag.endswith(wanted)]


# The files together.


@pytest.mark.proves("R012")
def test_the_shipped_files_pass_the_deployment_check_without_an_error() -> None:
    findings = check(_files(), operations=HANDLERS.keys())
    assert [finding for finding in findings if finding.severity == "error"] == []


def test_every_user_task_has_its_form_and_every_form_its_user_task() -> None:
    tasks = [task for path in DIAGRAMS for task in etree.parse(path).iterfind(".//bpmn:userTask", NS)]
    forms = _forms()
    asked = [str(spiff.facts.properties(task)["form"]) for task in tasks]
    assert sorted([*asked, *BEFORE_THE_PROCESS]) == sorted(forms)
    assert {key: form.key for key, form in forms.items()} == {key: key for key in forms}


def test_what_a_step_writes_without_an_operation_is_a_field_of_its_form() -> None:
    forms = _forms()
    for element in _program().elements.values():
        facts = element.properties
        if element.type == "userTask" and "operation" not in facts and "result" in facts:
            assert facts["result"] in forms[facts["form"]].fields, element.id


def test_every_reference_table_that_a_form_names_is_shipped() -> None:
    shipped = {path.stem for path in (PROCESSES / "reference").glob("*.csv")}
    named = {
        hint["source"].removeprefix("reference:")
        for form in _forms().values()
        for hint in form.ui["fields"].values()
        if "source" in hint
    }
    assert named <= shipped


# The diagrams.


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_every_node_and_flow_is_drawn_and_every_node_is_in_one_lane(path: Path) -> None:
    root, boxes = _drawn(path)
    edges = {edge.get("bpmnElement") for edge in root.iterfind(".//bpmndi:BPMNEdge", NS)}
    nodes = [node.get("id") for node in _steps(root)]
    assert [node for node in nodes if node not in boxes] == []
    flows = [
        flow.get("id") for kind in ("sequenceFlow", "association") for flow in root.iter(f"{{{NS['bpmn']}}}{kind}")
    ]
    assert [flow for flow in flows if flow not in edges] == []
    assert sorted(ref.text for ref in root.iterfind(".//bpmn:flowNodeRef", NS)) == sorted(nodes)


@pytest.mark.proves("R012")
@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_roles_stand_in_rows_from_the_customer_down_and_the_page_is_at_most_1160_wide(path: Path) -> None:
    root, boxes = _drawn(path)
    lanes = sorted(root.iterfind(".//bpmn:lane", NS), key=lambda lane: boxes[lane.get("id")][1])
    names = [lane.get("name") for lane in lanes]
    assert names == sorted(names, key=LANES.index)
    pool = root.find(".//bpmn:participant", NS).get("id")
    assert boxes[pool][2] <= 1160
    inner = [box for key, box in boxes.items() if key != pool]
    left, top, width, height = boxes[pool]
    assert all(x >= left and y >= top and x + w <= left + width and y + h <= top + height for x, y, w, h in inner)


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_lines_run_straight_and_cross_neither_each_other_nor_a_step(path: Path) -> None:
    root, boxes = _drawn(path)
    solid = {
        node.get("id"): _through_diamond if node.tag.endswith("Gateway") else _through
        for node in _steps(root)
        if not node.tag.endswith(("subProcess", "boundaryEvent"))
    }
    lines = [_line(edge) for edge in root.iterfind(".//bpmndi:BPMNEdge", NS)]
    for line in lines:
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in itertools.pairwise(line)), line
        for part in itertools.pairwise(line):
            assert [id_ for id_, through in solid.items() if through(part, boxes[id_])] == [], part
    for one, other in itertools.combinations(lines, 2):
        pairs = itertools.product(itertools.pairwise(one), itertools.pairwise(other))
        assert [(a, b) for a, b in pairs if _cross(a, b)] == []


def _line(edge: Any) -> list[Point]:
    return [(float(point.get("x")), float(point.get("y"))) for point in edge.iterfind("di:waypoint", NS)]


def _through(part: Part, box: Box) -> bool:
    (ax, ay), (bx, by) = part
    x, y, width, height = box
    return max(ax, bx) > x and min(ax, bx) < x + width and max(ay, by) > y and min(ay, by) < y + height


def _through_diamond(part: Part, box: Box) -> bool:
    """A gateway fills the middle of its box: lines may end anywhere on its four sides."""
    (ax, ay), (bx, by) = part
    x, y, width, height = box
    middle_x, middle_y = x + width / 2, y + height / 2
    nearest_x, nearest_y = sorted((ax, middle_x, bx))[1], sorted((ay, middle_y, by))[1]
    return abs(nearest_x - middle_x) / (width / 2) + abs(nearest_y - middle_y) / (height / 2) < 1


def _cross(one: Part, other: Part) -> bool:
    """Whether an upright and a level part meet inside both; parts that end on each other share a corner."""
    upright, level = (one, other) if one[0][0] == one[1][0] else (other, one)
    if upright[0][0] != upright[1][0] or level[0][1] != level[1][1]:
        return False
    x, y = upright[0][0], level[0][1]
    low, high = sorted((upright[0][1], upright[1][1]))
    left, right = sorted((level[0][0], level[1][0]))
    return low < y < high and left < x < right


@pytest.mark.proves("R013")
def test_every_step_says_what_it_is_for_with_its_section() -> None:
    for element in _program().elements.values():
        if element.type in {"userTask", "serviceTask", "callActivity", "boundaryEvent", "subProcess"}:
            assert "（手册 §" in element.documentation, element.id
            assert element.documentation.rstrip().endswith("）"), element.id


@pytest.mark.proves("R058")
def test_the_main_diagram_calls_the_five_stages_in_the_handbooks_order() -> None:
    root, boxes = _drawn(PROCESSES / "incident" / "incident.bpmn")
    calls = {call.get("calledElement"): call for call in root.iter(f"{{{NS['bpmn']}}}callActivity")}
    stages = [key for key in calls if key.startswith("stage_")]
    assert sorted(stages) == [
        "stage_1_detect",
        "stage_2_classify",
        "stage_3_investigate",
        "stage_4_resolve",
        "stage_5_close",
    ]
    lefts = [boxes[calls[key].get("id")][0] for key in sorted(stages)]
    assert lefts == sorted(lefts)


def test_lanes_reach_the_steps_inside_the_frames() -> None:
    lanes = {key: element.lane for key, element in _program().elements.items() if element.type == "userTask"}
    assert lanes["s5_1_check"] == lanes["s5_3_ask"] == lanes["s2_8_dispatch"] == "服务台"
    assert lanes["s2_9_accept"] == lanes["s3_6_try"] == lanes["s4_6_verify"] == "支持人员"
    assert None not in lanes.values()


# The decision tables.


@pytest.mark.parametrize("path", sorted((PROCESSES / "decisions").glob("*.dmn")), ids=lambda path: path.stem)
def test_the_tables_have_neither_gaps_nor_overlaps(path: Path) -> None:
    assert check_table(load_model(path.read_bytes())) == []


CROSS = {
    "经理": "高高中",
    "主管": "高中中",
    "普通员工": "中中低",
    "外部转派": "高中中",
    "无": "中中中",
    "没听说过": "中中中",
}
LOWER = {"高": "中", "中": "低", "低": "低"}


@pytest.mark.proves("R225", "R226", "R227", "R228")
@pytest.mark.parametrize("request_type", ["故障", "咨询", "业务处理", "投诉"])
@pytest.mark.parametrize("escalated", [False, True])
def test_urgency_crosses_user_type_and_class_but_complaint_and_escalation_go_first(
    request_type: str, escalated: bool
) -> None:
    for grade, (column, class_) in itertools.product(CROSS, enumerate("ABC")):
        expected = CROSS[grade][column]
        if request_type == "投诉" or escalated:
            expected = "高"
        elif request_type == "咨询" and grade != "经理":
            expected = LOWER[expected]
        inputs = {"user_grade": grade, "class": class_, "request_type": request_type, "escalated": escalated}
        assert _ask("urgency", **inputs) == expected, inputs


@pytest.mark.proves("R226")
def test_each_user_type_and_class_has_a_row_of_its_own_that_staff_can_be_shown() -> None:
    rows = {"经理": "manager", "主管": "supervisor", "普通员工": "staff", "外部转派": "external"}
    for (grade, row), class_ in itertools.product(rows.items(), "ABC"):
        inputs = {"user_grade": grade, "class": class_, "request_type": "故障", "escalated": False}
        assert _model("urgency").decide("urgency", inputs).rows == (f"urgency_{row}_{class_.lower()}",)


@pytest.mark.proves("R220", "R222", "R229")
def test_priority_is_the_matrix_of_impact_and_urgency() -> None:
    got = {
        (impact, urgency): _ask("priority", impact=impact, urgency=urgency)
        for impact in (1, 2, 3, 4)
        for urgency in "高中低"
    }
    assert [[got[impact, urgency] for urgency in "高中低"] for impact in (1, 2, 3, 4)] == [
        [1, 1, 2],
        [1, 2, 3],
        [2, 3, 4],
        [3, 4, 4],
    ]


@pytest.mark.proves("R235", "R236", "R237", "R238")
@pytest.mark.parametrize(
    ("priority", "times"),
    [
        (1, ["PT10M", "PT20M", "PT8H", "P1D"]),
        (2, ["PT20M", "PT30M", "P1D", "P1D"]),
        (3, ["PT40M", "PT1H", "P2D", "P2D"]),
        (4, ["PT1H", "PT2H", "P3D", "P3D"]),
    ],
)
def test_targets_are_those_of_the_handbooks_table(priority: int, times: list[str]) -> None:
    got = _ask("targets", priority=priority)
    assert [got[name] for name in ("response", "acceptance", "restoration", "closure")] == times


@pytest.mark.proves("R033", "R034", "R035", "R036", "R037", "R038", "R039", "R040", "R041", "R042", "R043")
@pytest.mark.parametrize(
    ("category", "type_", "location", "group", "post"),
    [
        ("hb", "hb.data", "local_01", "billing_accounts", None),
        ("ocs", "ocs.interface", "local_01", "billing_apps", None),
        ("collection", "collection.records", None, "billing_apps", None),
        ("abm", "abm.middleware", None, "billing_apps", None),
        ("settlement", "settlement.data", None, "settlement", None),
        ("agent", "agent.app", None, "settlement", None),
        ("switching", "switching.app", None, "settlement", None),
        ("crm", "crm.middleware", None, "crm", None),
        ("sps", "sps.app", None, "crm", None),
        ("tsap", "tsap.data", None, "crm", None),
        ("e_channel", "e_channel.app", None, "non_crm", None),
        ("mss", "mss.app", None, "non_crm", None),
        ("oss", "oss.app", None, "non_crm", None),
        ("bss_infra", "bss_infra.database", None, "operations", "ops_bss"),
        ("mo_infra", "mo_infra.host", None, "operations", "ops_mo"),
        ("vpn", "vpn.account", None, "operations", "ops_mo"),
        ("video", "video.device", None, "operations", "ops_mo"),
        ("terminal", "terminal.hardware", "provincial_building", "operations", "ops_terminal"),
        ("terminal", "terminal.hardware", "department_office", "operations", "ops_terminal"),
        ("terminal", "terminal.hardware", "local_07", "local_desk", None),
        ("storage", "storage.backup", None, "operations", "ops_backup"),
        ("security", "security.virus", None, "operations", None),
        ("other", "other.question", None, "desk", None),
    ],
)
def test_each_classification_leads_to_the_group_that_the_handbook_names(
    category: str, type_: str, location: str | None, group: str, post: str | None
) -> None:
    assert _reference("types")[type_]["category"] == category
    assert _ask("dispatch", category=category, type=type_, location=location) == {"group": group, "post": post}


@pytest.mark.proves("R124", "R205")
def test_every_type_and_place_of_the_reference_data_has_a_group_and_a_post_that_exist() -> None:
    groups, posts, places = _reference("groups"), _reference("posts"), [*_reference("locations"), None]
    for (key, row), place in itertools.product(_reference("types").items(), places):
        answer = _ask("dispatch", category=row["category"], type=key, location=place)
        assert groups[answer["group"]]["kind"] in {"desk", "support", "local"}
        assert answer["post"] is None or posts[answer["post"]]["group"] == answer["group"]


@pytest.mark.proves("R171")
@pytest.mark.parametrize(
    ("source", "request_type", "priority", "asked"),
    [
        ("phone", "故障", 4, True),
        ("noc", "业务处理", 3, True),
        ("alarm", "故障", 3, False),
        ("support", "故障", 4, False),
        ("alarm", "故障", 2, True),
        ("support", "投诉", 4, True),
        ("phone", "咨询", 3, False),
        ("phone", "咨询", 2, True),
    ],
)
def test_the_user_is_asked_before_closing_where_the_rule_wants_it(
    source: str, request_type: str, priority: int, asked: bool
) -> None:
    assert _ask("confirmation", source=source, request_type=request_type, priority=priority) is asked


# The reference data.


@pytest.mark.parametrize(
    ("table", "column", "target"),
    [
        ("groups", "department", "departments"),
        ("groups", "leader_post", "posts"),
        ("posts", "group", "groups"),
        ("types", "category", "categories"),
        ("symptoms", "type", "types"),
        ("causes", "type", "types"),
        ("services", "category", "categories"),
    ],
)
def test_reference_rows_point_at_rows_that_exist(table: str, column: str, target: str) -> None:
    known = _reference(target)
    assert [key for key, row in _reference(table).items() if row[column] and row[column] not in known] == []


@pytest.mark.proves("R204", "R207", "R208", "R209", "R210")
def test_every_category_has_a_class_types_symptoms_and_causes() -> None:
    categories, types = _reference("categories"), _reference("types")
    assert {row["class"] for row in categories.values()} == {"A", "B", "C"}
    assert {row["category"] for row in types.values()} == set(categories)
    assert {row["type"] for row in _reference("symptoms").values()} == set(types)
    assert {row["type"] for row in _reference("causes").values()} == {*types, ""}


@pytest.mark.proves("R022", "R024", "R032", "R045")
def test_the_organisation_of_chapter_three_is_complete() -> None:
    posts = _reference("posts")
    names = {group: {row["name"] for row in posts.values() if row["group"] == group} for group in _reference("groups")}
    assert {"省客服接口岗", "监控操作岗", "服务受理岗", "服务质监岗", "服务分析岗"} <= names["desk"]
    assert {"BSS系统运行岗", "M&O系统运行岗", "终端维护岗", "数据备份岗"} <= names["operations"]
    assert {"主机和存储支持岗", "数据库支持岗", "网络支持岗", "信息安全岗"} <= names["support"]
    assert sum("A岗" in name for name in names["manager"]) == 1
    assert sum("B岗" in name for name in names["manager"]) == 2
    departments = {row["department"] for row in _reference("groups").values() if row["kind"] in {"support", "expert"}}
    assert departments == {"billing_settlement", "application", "it_operation"}


# The forms.


@pytest.mark.proves("R084", "R086", "R087", "R090")
@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("phone", set()),
        ("support", set()),
        ("noc", {"external_number", "external_contact", "external_deadline"}),
        ("hotline", {"external_number", "external_contact", "external_deadline"}),
        ("local_network", {"external_number", "external_contact", "prehandling"}),
        ("alarm", {"alarm_severity", "alarm_number", "alarm_text", "alarm_trigger"}),
        ("failed_change", {"failed_change"}),
    ],
)
def test_each_source_asks_for_its_own_fields(source: str, asked: set[str]) -> None:
    form = _forms()["record_incident"]
    always = {"source", "occurred_at", "summary", "details", "scope"}
    assert form.required & form.shown({"source": source}) == always | asked


@pytest.mark.proves("R087")
def test_a_manual_alarm_names_the_account_that_raised_it() -> None:
    form = _forms()["record_incident"]
    by_hand = form.shown({"source": "alarm", "alarm_trigger": "manual"})
    assert "alarm_account" in by_hand & form.required
    assert "alarm_account" not in form.shown({"source": "alarm", "alarm_trigger": "automatic"})


@pytest.mark.proves("R224")
def test_each_level_of_impact_is_described_where_it_is_chosen() -> None:
    for key in ("classify", "confirm"):
        levels = _forms()[key].fields["impact"]["oneOf"]
        assert [level["const"] for level in levels] == [1, 2, 3, 4]
        assert all(level["description"] for level in levels)


@pytest.mark.proves("R134")
def test_six_reasons_for_a_transfer_can_be_chosen() -> None:
    assert list(_reference("transfer_reasons")) == ["T1", "T2", "T3", "T4", "T5", "T6"]


def test_the_authors_examples_name_tasks_and_posts_that_exist_and_pass_the_forms() -> None:
    elements, forms, posts = _program().elements, _forms(), _reference("posts")
    for path in (PROCESSES / "scenarios").glob("*.json"):
        example = json.loads(path.read_text(encoding="utf-8"))
        assert example["key"] == path.stem
        for step in example["steps"]:
            if "task" in step:
                form = forms[elements[step["task"]].properties["form"]]
                assert set(step["values"]) <= set(form.fields), step["task"]
                assert step["by"] in posts

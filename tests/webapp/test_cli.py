"""The command ``lovem`` as its users call it: what it prints, and its exit status."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.persistence import deployment
from tests.office import ROAD, Office
from tests.webapp.conftest import SECRET
from webapp import demo
from webapp import desk as verbs
from webapp.cli import main
from webapp.database import make_engine
from webapp.ready import require_ready
from webapp.settings import Settings, SettingsError
from webapp.shipped import PROCESSES

PRIORITY = PROCESSES / "decisions" / "priority.dmn"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The environment of an installation whose database does not exist yet."""
    url = f"sqlite:///{tmp_path / 'var' / 'desk.db'}"
    monkeypatch.setenv("LOVEM_DATABASE_URL", url)
    monkeypatch.setenv("LOVEM_SECRET_KEY", SECRET)
    monkeypatch.delenv("LOVEM_DEMO", raising=False)
    return url


@pytest.fixture
def in_office(office: Office, office_url: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The environment of a furnished office, on both databases."""
    monkeypatch.setenv("LOVEM_DATABASE_URL", office_url)
    monkeypatch.setenv("LOVEM_SECRET_KEY", SECRET)
    monkeypatch.delenv("LOVEM_DEMO", raising=False)
    return office


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_wrong_call_ends_with_status_2():
    for arguments in ([], ["fly"], ["check"], ["decide", str(PRIORITY)], ["user"]):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert end.value.code == 2


def test_what_is_shipped_passes_the_check():
    assert main(["check", str(PROCESSES)]) == 0


def test_a_wrong_file_gives_one_json_line_a_finding_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.bpmn").write_bytes(b"<!DOCTYPE x><x/>")
    assert main(["check", str(tmp_path)]) == 1
    [finding] = lines(capsys)
    assert finding["severity"] == "error" and finding["line"] == 1 and {"zh", "en"} == finding["message"].keys()


def test_a_path_that_is_not_there_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr()
    assert (said.out, "nowhere" in said.err) == ("", True)  # what is printed is findings alone


def test_a_finding_has_file_line_element_rule_severity_and_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(PROCESSES, tmp_path, ignore=shutil.ignore_patterns("scenarios"), dirs_exist_ok=True)
    diagram = tmp_path / "incident" / "1_detect.bpmn"
    diagram.write_text(diagram.read_text("utf-8").replace("intake.record", "no.such"), "utf-8")
    assert main(["check", str(tmp_path)]) == 1
    [finding] = [found for found in lines(capsys) if found["severity"] == "error"]
    assert finding.keys() == {"file", "line", "element", "rule", "severity", "message"}
    assert (finding["file"], finding["element"]) == ("incident/1_detect.bpmn", "s1_4_record")
    assert finding["message"].keys() == {"zh", "en"}


def test_a_folder_without_definitions_is_nothing_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert (said.out, "Nothing to check" in said.err) == ("", True)


def test_lanes_are_checked_against_the_roles_beside_the_files_else_the_shipped_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(PROCESSES, tmp_path / "own", ignore=shutil.ignore_patterns("reference", "scenarios"))
    assert main(["check", str(tmp_path / "own")]) == 0
    (tmp_path / "own" / "reference").mkdir()
    (tmp_path / "own" / "reference" / "roles.csv").write_text("key,name,landing\nx,别的岗位,work\n", "utf-8")
    capsys.readouterr()
    assert main(["check", str(tmp_path / "own")]) == 1
    assert "K707" in {finding["rule"] for finding in lines(capsys)}
    assert main(["check", str(tmp_path / "own" / "incident")]) == 1
    assert "K707" in {finding["rule"] for finding in lines(capsys)}


def test_a_lane_without_a_role_is_not_deployed(in_office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    stage = PROCESSES / "incident" / "1_detect.bpmn"
    (tmp_path / "1_detect.bpmn").write_bytes(
        stage.read_bytes().replace('name="服务台"'.encode(), 'name="别的"'.encode())
    )
    assert main(["deploy", str(tmp_path), "--reason", "试行"]) == 1
    assert "K707" in {finding["rule"] for finding in lines(capsys)}


def test_files_of_one_name_in_two_folders_are_both_looked_at_and_one_given_twice_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.bpmn").write_bytes(b"<x/>")
    paths = [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "one" / "a.bpmn")]
    assert main(["check", *paths]) == 1
    assert [finding["file"] for finding in lines(capsys)] == ["a.bpmn", "two/a.bpmn"]


def test_what_was_deployed_from_an_absolute_folder_is_exported_again(in_office: Office, tmp_path: Path):
    source, folder = tmp_path / "source", tmp_path / "exported"
    for name in ("first", "second"):
        (source / name).mkdir(parents=True)
        accept = (PROCESSES / "forms" / "accept.json").read_text("utf-8")
        (source / name / "form.json").write_text(accept.replace('"accept"', f'"{name}"', 1), "utf-8")
        assert main(["deploy", str(source / name), "--reason", "试行"]) == 0
    assert main(["export", str(folder)]) == 0
    assert (folder / "form.json").read_bytes() == (source / "first" / "form.json").read_bytes()
    assert (folder / "form.second.json").read_bytes() == (source / "second" / "form.json").read_bytes()


def test_a_decision_prints_its_result_and_its_rows(capsys: pytest.CaptureFixture[str]):
    assert main(["decide", str(PRIORITY), "--decision", "priority", "--inputs", '{"impact": 1, "urgency": "高"}']) == 0
    [answer] = lines(capsys)
    assert answer["result"] == 1 and len(answer["rows"]) == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([str(PRIORITY), "--decision", "nothing"], 1),
        ([str(PRIORITY), "--decision", "priority", "--inputs", "{"], 2),
        (["/no/such.dmn", "--decision", "priority"], 1),
        ([str(PROCESSES / "forms" / "accept.json"), "--decision", "priority"], 1),
    ],
)
def test_a_decision_that_cannot_be_taken_says_why(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
):
    assert main(["decide", *arguments]) == status
    assert capsys.readouterr().err.strip()


def test_wrong_settings_are_told_one_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("LOVEM_SECRET_KEY", "short")
    monkeypatch.setenv("LOVEM_DATABASE_URL", "mysql://x/y")
    monkeypatch.delenv("LOVEM_DEMO", raising=False)
    assert main(["migrate"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_an_installation_is_migrated_and_gets_its_first_account(
    installed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert main(["migrate"]) == 0
    assert main(["deploy", str(PROCESSES), "--reason", "首次部署"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("a good password\n"))
    assert main(["user", "add", "wang.desk", "服务受理岗03"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["user", "password", "wang.desk"]) == 1
    assert main(["user", "disable", "nobody"]) == 1
    assert main(["user", "disable", "wang.desk"]) == 0
    capsys.readouterr()
    assert main(["user", "list"]) == 0
    assert capsys.readouterr().out == "wang.desk\t服务受理岗03\tdisabled\n"


def test_an_account_gets_only_groups_posts_and_roles_that_exist(
    in_office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def add(account: str, *options: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO("a good password\n"))
        return main(["user", "add", account, "新来的", *options])

    assert add("new01", "--group", "flying") == 1
    assert "crm" in capsys.readouterr().err
    assert add("new01", "--group", "crm:flying_post") == 1
    assert add("new01", "--role", "king") == 1
    assert add("NEW 01") == 1
    assert add("new01", "--group", "crm:crm_support", "--role", "support") == 0
    assert add("new01") == 1


def test_what_is_exported_is_what_was_deployed(in_office: Office, tmp_path: Path):
    folder = tmp_path / "exported"
    assert main(["export", str(folder)]) == 0
    for path in folder.rglob("*.*"):
        assert path.read_bytes() == (PROCESSES / path.relative_to(folder)).read_bytes()
    assert main(["export", str(folder)]) == 0
    next(folder.rglob("*.dmn")).write_bytes(b"mine")
    assert main(["export", str(folder)]) == 1


def test_a_deployment_says_why_and_from_when(in_office: Office, capsys: pytest.CaptureFixture[str]):
    arguments = ["deploy", str(PROCESSES), "--reason", "试行", "--author", "owner01"]
    assert main([*arguments, "--effective-from", "2026-12-01T08:00"]) == 0
    with in_office.desk.reading() as connection:
        row = connection.execute(select(deployment).order_by(deployment.c.id.desc()).limit(1)).one()
    assert (row.author, row.reason, row.effective_from.isoformat()) == (
        "owner01",
        "试行",
        "2026-12-01T00:00:00+00:00",
    )


def test_a_refused_deployment_prints_its_findings(
    in_office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "a.bpmn").write_bytes(b"<x/>")
    assert main(["deploy", str(tmp_path), "--reason", "试行"]) == 1
    assert lines(capsys)


def test_stuck_instances_are_listed_and_retried(in_office: Office, capsys: pytest.CaptureFixture[str]):
    def fails(_ctx: object, _call: object) -> None:
        raise ZeroDivisionError("the table has a hole")

    incident_id = in_office.dispatch()
    task = in_office.task(incident_id)
    broken = in_office.with_handlers(dispatch__answer=fails)
    with pytest.raises(Exception, match="hole"):
        verbs.complete(broken, in_office["crm01"], task.id, ROAD["s2_9_accept"], task.token)
    assert main(["stuck", "list"]) == 0
    [row] = lines(capsys)
    assert row["element_id"] == "s2_9_accept" and "hole" in str(row["cause"])
    assert main(["stuck", "retry", str(task.instance_id)]) == 0
    assert in_office.status(incident_id) == "running"
    assert main(["stuck", "retry", str(task.instance_id)]) == 1


def test_demo_accounts_are_made_in_demo_mode_only(
    installed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert main(["demo"]) == 1
    monkeypatch.setenv("LOVEM_DEMO", "1")
    assert main(["demo"]) == 0
    assert f"reception01\t服务受理岗01\t{demo.PASSWORD}" in capsys.readouterr().out
    monkeypatch.setenv("LOVEM_DEMO", "0")
    engine = make_engine(installed, pooled=False)
    settings = Settings.from_environment()
    desk = verbs.Desk(engine, lambda: None, {}, "test")  # type: ignore[arg-type, return-value]
    with pytest.raises(SettingsError, match="demo accounts"):
        require_ready(desk, settings)
    assert main(["serve"]) == 2


def test_tokens_are_made_listed_and_revoked(in_office: Office, capsys: pytest.CaptureFixture[str]):
    assert main(["token", "add", "reception01", "监控脚本", "--days", "30"]) == 0
    [made] = lines(capsys)
    assert str(made["token"]).startswith("lovem_")
    assert main(["token", "list", "reception01"]) == 0
    [listed] = lines(capsys)
    assert (listed["id"], listed["name"], listed["state"]) == (made["id"], "监控脚本", "live")
    assert str(made["token"]) not in str(listed)
    assert main(["token", "revoke", str(made["id"])]) == 0
    main(["token", "list"])
    assert [row["state"] for row in lines(capsys)] == ["revoked"]


@pytest.mark.parametrize("arguments", [["add", "nobody9", "x"], ["list", "nobody9"], ["revoke", "999"]])
def test_a_token_of_nobody_is_refused(in_office: Office, arguments: list[str]):
    assert main(["token", *arguments]) == 1


@pytest.mark.parametrize("days", ["0", "366", "ninety"])
def test_a_token_for_longer_than_a_year_is_a_wrong_call(in_office: Office, days: str):
    with pytest.raises(SystemExit) as end:
        main(["token", "add", "reception01", "x", "--days", days])
    assert end.value.code == 2


def test_a_secret_for_alarms_that_is_easy_to_guess_is_refused(installed: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOVEM_ALARM_SECRET", "short")
    with pytest.raises(SettingsError, match="LOVEM_ALARM_SECRET"):
        Settings.from_environment()

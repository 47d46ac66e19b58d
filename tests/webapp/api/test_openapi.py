"""The OpenAPI document is true: schemathesis sends what it allows and what it does not, to every endpoint."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.office import Office
from tests.webapp.api.conftest import Api
from tests.webapp.conftest import SECRET, Clock
from webapp.api.operations import OPERATIONS, Operation
from webapp.api.strangers import FAILURES
from webapp.app import create_app, desk_of
from webapp.database import make_engine
from webapp.settings import Settings

EXAMPLES = 12  # of each endpoint


@pytest.fixture(scope="module")
def served(sqlite_office: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One application for all examples: nothing that they do may break it."""
    path = tmp_path_factory.mktemp("openapi") / "office.db"
    shutil.copyfile(sqlite_office, path)
    clock = Clock()
    app = create_app(Settings(database_url=f"sqlite:///{path}", secret_key=SECRET, demo=True), clock=clock)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.extensions[FAILURES].FREE = 10**9  # bad tokens are part of the game
    engine = make_engine(f"sqlite:///{path}")
    yield Api(app, Office(engine), clock)
    engine.dispose()
    desk_of(app).engine.dispose()


@pytest.fixture(scope="module")
def token(served: Api) -> str:
    """Of somebody who may report, do tasks of two groups, and send alarms."""
    served.add_monitoring()
    return str(served.caller("reception01").token)


@pytest.fixture(scope="module")
def things(served: Api) -> dict[str, str]:
    """A real number and a real task, for half of the addresses."""
    incident_id = served.office.report()
    return {"number": served.number(incident_id), "task_id": served.office.task(incident_id).id}


@pytest.fixture(scope="module")
def api_schema(served: Api) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", served.app)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("asked", OPERATIONS, ids=lambda asked: asked.name)
def test_every_endpoint_answers_as_its_document_says(
    api_schema: Any, token: str, things: dict[str, str], asked: Operation, mode: GenerationMode
):
    """What the schemas allow and what they do not: never a fault, and always an answer that the document knows."""
    operation = api_schema[asked.path.replace("<", "{").replace(">", "}")][asked.method]
    headers = {"Authorization": f"Bearer {token}"}
    # What a schema allows may still be refused: a group that does not exist, a task that is somebody else's.
    left_out = [positive_data_acceptance]
    if asked.query is not None and asked.query.required:
        # A required parameter that was taken away can come back when the address is put together: it is no wrong
        # request then. Missing and unknown parameters have tests of their own.
        left_out.append(negative_data_rejection)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def send(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE and len(str(case.path_parameters)) % 2:
            case.path_parameters = {name: things[name] for name in case.path_parameters}
        case.call_and_validate(headers=headers, excluded_checks=left_out)

    try:
        send()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # an endpoint without parameters takes nothing wrong


def test_the_document_is_open_and_names_every_endpoint(api: Api):
    answer = api.caller(None).get("/openapi.json")
    assert answer.status_code == 200
    document = answer.get_json()
    assert document["openapi"].startswith("3.1")
    named = {(method.upper(), f"/api{path}") for path, each in document["paths"].items() for method in each}
    routes = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert named == routes
    assert len(OPERATIONS) == len(routes)


def test_the_schemas_of_the_document_are_schemas_and_the_forms_in_force_are_among_them(api: Api):
    schemas = api.caller(None).get("/openapi.json").get_json()["components"]["schemas"]
    for each in schemas.values():
        Draft202012Validator.check_schema(each)
    customer = schemas["NewIncident"]["properties"]["customer"]
    assert "customer_name" in customer["required"]
    record = schemas["NewIncident"]["properties"]["incident"]
    assert "alarm_number" not in record["required"]
    assert "alarm" in record["properties"]["alarm_number"]["description"]


def test_the_document_is_there_before_anything_is_deployed(app: Flask):
    document = app.test_client().get("/api/openapi.json").get_json()
    assert document["components"]["schemas"]["NewIncident"]["properties"]["customer"] == {"type": "object"}

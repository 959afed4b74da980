"""The API's description is complete, is that of the code, and its examples are answers that the API gives."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are not worth a dependency
import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import URLResolver
from drf_spectacular.generators import SchemaGenerator

from gameproject import urls
from gameproject.lib.api_examples import error_examples, examples
from gameproject.lib.openapi import ERRORS

FILE = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # it has no types


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for path, methods in SCHEMA["paths"].items():
        for method, operation in methods.items():
            yield operation["operationId"], method, path, operation


OPERATIONS = {name: (method, path, operation) for name, method, path, operation in operations()}


def shown(place: dict[str, Any]) -> list[Any]:
    media = place["content"]["application/json"]
    return [
        *([media["example"]] if "example" in media else []),
        *(each["value"] for each in media.get("examples", {}).values()),
    ]


def examples_of(response: dict[str, Any]) -> list[str]:
    """Return the codes of which an error shows an example."""
    refs = [each["$ref"] for each in response["content"]["application/json"]["examples"].values()]
    assert refs
    return [ref.rpartition("/")[2] for ref in refs]


def component(code: str) -> dict[str, Any]:
    shown: dict[str, Any] = SCHEMA["components"]["examples"][code]["value"]
    return shown


def fits(value: object, schema: dict[str, Any]) -> None:
    jsonschema.validate(
        value, {**schema, "components": SCHEMA["components"]}, jsonschema.Draft202012Validator
    )


def test_the_file_is_what_the_code_says() -> None:
    written = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)

    assert FILE.read_text().strip() == written.getvalue().strip(), "docs/openapi.yaml is old: make openapi"


def test_operations_have_names_of_their_own() -> None:
    assert len(OPERATIONS) == len(list(operations()))


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_shows_a_request_and_an_answer_that_fit(name: str) -> None:
    _method, _path, operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["tags"]
    assert operation["description"].startswith("Scope: `")
    if "requestBody" in operation:
        requests = shown(operation["requestBody"])
        assert requests, f"{name}: no example of a request; add it to its app's api/examples.json"
        for request in requests:
            fits(request, operation["requestBody"]["content"]["application/json"]["schema"])
    answers = {status: response for status, response in operation["responses"].items() if status < "400"}
    shown_answers = [(response, each) for response in answers.values() for each in shown(response)]
    assert shown_answers, f"{name}: no example of an answer; add it to its app's api/examples.json"
    for response, answer in shown_answers:
        fits(answer, response["content"]["application/json"]["schema"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_names_its_errors_and_shows_each(name: str) -> None:
    _method, path, operation = OPERATIONS[name]
    errors = {status: response for status, response in operation["responses"].items() if status >= "400"}

    assert {"401", "403", "429", "503"} <= set(errors)
    if "requestBody" in operation:
        assert {"400", "413", "415"} <= set(errors)
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", [])):
        assert "400" in errors
    if "{" in path:
        assert "404" in errors
    for status, response in errors.items():
        assert response["description"].startswith(ERRORS[int(status)])
        for code in examples_of(response):
            fits(component(code), response["content"]["application/json"]["schema"])
            assert code.startswith("DSL_") or f"`{code}`" in response["description"]
    assert "Retry-After" in errors["429"]["headers"]
    assert "Retry-After" in errors["503"]["headers"]


def test_no_example_is_of_something_that_is_gone() -> None:
    assert set(examples()) <= set(OPERATIONS)
    responses = [
        response
        for *_, operation in OPERATIONS.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    ]
    assert set(error_examples()) == {code for response in responses for code in examples_of(response)}
    assert all(error["code"] == code for code, error in error_examples().items())


def test_every_path_of_the_api_is_described() -> None:
    patterns: Sequence[Any] = urls.urlpatterns
    of_the_api = [each for each in patterns if str(each.pattern).startswith("api/v1/")]
    n_paths = sum(len(each.url_patterns) if isinstance(each, URLResolver) else 1 for each in of_the_api)
    assert len(SCHEMA["paths"]) == n_paths

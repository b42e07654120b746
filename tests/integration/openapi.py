"""Reads doc/openapi.yaml and holds requests and answers against it.

    api = OpenApi(path)
    operation = api.operation("GET", "/get/{key}")
    operation.check_answer(status, headers, body)     # AssertionError where they are not as documented

What the document does not mention counts as wrong, although it allows servers to add to it: the document is to tell all
that this server says.
"""

import copy
import json

import jsonschema
import yaml

_METHODS = ("get", "head", "put", "post", "delete", "options", "patch", "trace")
_DIALECT = jsonschema.Draft202012Validator


class OpenApi:

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = yaml.safe_load(file)
        self._closed = _closed(self.document)

    def paths(self):
        return list(self.document["paths"])

    def operations(self):
        """All (METHOD, path) of the document."""
        return [(method.upper(), path) for path, item in self.document["paths"].items() for method in item
                if method in _METHODS]

    def operation(self, method, path):
        return Operation(self, method, path)

    def resolve(self, node):
        """Follows `node` where it is a $ref; everything else stands for itself."""
        while isinstance(node, dict) and "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def references(self):
        """Every $ref of the document."""
        return list(_references(self.document))

    def schemas(self):
        return self.document["components"]["schemas"]

    def check_instance(self, schema, instance, what):
        resolver = jsonschema.RefResolver("", self._closed)
        errors = list(_DIALECT(_closed(schema), resolver=resolver).iter_errors(instance))
        if errors:
            texts = "\n".join(f"  {error.json_path}: {error.message}" for error in errors)
            raise AssertionError(f"{what} is not as documented:\n{texts}\n  {json.dumps(instance)[:1000]}")

    @staticmethod
    def check_schema(schema):
        _DIALECT.check_schema(schema)


class Operation:
    """One method of one path."""

    def __init__(self, api, method, path):
        item = api.document["paths"][path]
        self._api = api
        self._operation = item[method.lower()]
        self._item = item
        self._method = method
        self.name = f"{method} {path}"

    def parameters(self):
        """What it takes beside the body, each as {name, in, schema, ...}."""
        return [self._api.resolve(parameter) for owner in (self._item, self._operation)
                for parameter in owner.get("parameters", [])]

    def statuses(self):
        """The statuses that the document names; what else there may be is its default."""
        return [int(status) for status in self._operation["responses"] if status != "default"]

    def check_query(self, query):
        """`query` holds names and texts; all must be documented, and all that are required must be there."""
        known = {parameter["name"]: parameter for parameter in self.parameters() if parameter["in"] == "query"}
        for name, text in query.items():
            if name not in known:
                raise AssertionError(f"{self.name} has no parameter {name}")
            self._check_text(known[name]["schema"], text, f"{self.name}: parameter {name}")
        for name, parameter in known.items():
            if parameter.get("required") and name not in query:
                raise AssertionError(f"{self.name} needs the parameter {name}")

    def check_json_request(self, instance):
        body = self._operation["requestBody"]["content"]["application/json"]
        self._api.check_instance(body["schema"], instance, f"the body of {self.name}")

    def check_answer(self, status, headers, body):
        """`headers` is a mapping, `body` is bytes."""
        responses = self._operation["responses"]
        if str(status) not in responses:
            raise AssertionError(f"{self.name}: the status {status} is not documented")
        response = self._api.resolve(responses[str(status)])
        self._check_headers(status, response, headers)
        if self._method == "HEAD":
            if body or "content" in response:
                raise AssertionError(f"{self.name}: {status} has a body")
            return
        media_type = headers["Content-Type"].split(";")[0].strip()
        if media_type not in response["content"]:
            raise AssertionError(f"{self.name}: {status} has the type {media_type}, which is not documented")
        if "schema" in response["content"][media_type]:
            self._api.check_instance(response["content"][media_type]["schema"], json.loads(body),
                                     f"{self.name}: the body of {status}")

    def _check_headers(self, status, response, headers):
        documented = {name.lower(): self._api.resolve(header) for name, header in response.get("headers", {}).items()}
        for name, header in documented.items():
            if headers.get(name) is not None:
                self._check_text(header["schema"], headers[name], f"{self.name}: {status}: header {name}")
            elif header.get("required"):
                raise AssertionError(f"{self.name}: {status} lacks the header {name}")
        for name in headers:
            if name.lower().startswith("quorate-") and name.lower() not in documented:
                raise AssertionError(f"{self.name}: {status} has the header {name}, which is not documented")

    def _check_text(self, schema, text, what):
        instance = text
        if schema["type"] in ("integer", "boolean"):
            try:
                instance = json.loads(text)
            except ValueError:
                pass  # stays a text, which is of the wrong type
        self._api.check_instance(schema, instance, what)


def _references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _references(child)


def _closed(node):
    """A copy in which objects have no fields but those that are listed."""
    node = copy.copy(node)
    if isinstance(node, dict):
        node = {name: _closed(child) for name, child in node.items()}
        if node.get("type") == "object" and "properties" in node:
            node.setdefault("additionalProperties", False)
    elif isinstance(node, list):
        node = [_closed(child) for child in node]
    return node

"""Reads the operations and models of the official Python SDK, whose code is generated from the API definition."""

import pathlib
import re
import subprocess
import tempfile
import zipfile

PACKAGE = "PureCloudPlatformClientV2"
METHOD = re.compile(r"^    def \w+\(self.*$", re.MULTILINE)
ATTRIBUTE = re.compile(r"'(\w+)': '([^']*)'")


class Operation:
    def __init__(self, text):
        self.path = re.search(r"resource_path = '([^']*)'", text)[1]
        self.method = re.search(r"call_api\(resource_path, '(\w+)'", text)[1]
        self.query = re.findall(r"query_params\['([^']*)'\] =", text)
        name = re.search(r"body_params = params\['(\w+)'\]", text)
        body = re.search(rf":param (\S+) {name[1]}:", text) if name else None
        self.body = body[1] if body else ""
        answer = re.search(r"response_type=(?:'([^']*)'|None)", text)
        self.answer = answer[1] or ""
        self.token = "auth_settings = []" not in text


class Sdk:
    """The operations, each once, and the fields of each model with their types, in the order of the definition."""

    def __init__(self, root):
        self.operations = {}
        for file in sorted((root / "apis").glob("*.py")):
            text = file.read_text()
            starts = [found.start() for found in METHOD.finditer(text)] + [len(text)]
            for start, end in zip(starts, starts[1:]):
                if "resource_path = " in text[start:end]:
                    operation = Operation(text[start:end])
                    self.operations[operation.path, operation.method] = operation
        self.models = {}
        for file in sorted((root / "models").glob("*.py")):
            text = file.read_text()
            name = re.search(r"^class (\w+)\(", text, re.MULTILINE)
            types = re.search(r"swagger_types = \{(.*?)\}", text, re.DOTALL)
            names = re.search(r"attribute_map = \{(.*?)\}", text, re.DOTALL)
            if name and types and names:
                names = dict(ATTRIBUTE.findall(names[1]))
                fields = {names[own]: kind for own, kind in ATTRIBUTE.findall(types[1])}
                self.models[name[1]] = fields

    def fields(self, model):
        return self.models.get(model, {})


def download(version):
    """Fetches the SDK with pip, and reads it. It runs no code of the SDK."""
    wanted = f"{PACKAGE}=={version}" if version else PACKAGE
    with tempfile.TemporaryDirectory() as folder:
        pip = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder]
        subprocess.run([*pip, wanted], check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        return Sdk(pathlib.Path(folder) / PACKAGE), wheel.name.split("-")[1]

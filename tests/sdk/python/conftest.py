"""Fixtures: the official Python SDK as its users have it, and the stage that the suite has set."""

import json
import os
import urllib.request

import pytest

from comfy_low.transport import ComfyLow
from comfy_sdk import AsyncComfy, Comfy


class Stage:
    """What the suite does for a test: makes graphs, cuts connections, kills pods."""

    def __init__(self, url):
        self._url = url

    def ask(self, path):
        with urllib.request.urlopen(f"{self._url}/{path}", timeout=60) as answer:
            return json.loads(answer.read())

    def graph(self, name, seconds=0):
        return self.ask(f"graphs/{name}?seconds={seconds}")


@pytest.fixture(scope="session")
def stage():
    return Stage(os.environ["STAGE_URL"])


@pytest.fixture
def client():
    with Comfy() as made:
        yield made


@pytest.fixture
async def aclient():
    async with AsyncComfy() as made:
        yield made


@pytest.fixture
def low():
    """The protocol layer, without the checks that the SDK makes before it asks."""
    with ComfyLow(os.environ["COMFY_BASE_URL"], os.environ["COMFY_API_KEY"]) as made:
        yield made


@pytest.fixture
def submit(client, stage):
    """Submits a graph of the stage's."""

    def submit_graph(name="picture", seconds=0, **options):
        return client.submit(client.workflows.from_json(stage.graph(name, seconds)), **options)

    return submit_graph

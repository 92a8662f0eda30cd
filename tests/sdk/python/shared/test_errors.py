import os
import uuid

import pytest

from comfy_sdk import (
    Comfy,
    Forbidden,
    IdempotencyKeyReuse,
    InvalidWorkflow,
    JobFailed,
    NotFound,
    Unauthorized,
    WorkflowFormatUi,
)


def test_a_graph_with_errors_is_refused_node_by_node(client, stage):
    with pytest.raises(InvalidWorkflow) as raised:
        client.submit(client.workflows.from_json(stage.graph("broken")))
    assert raised.value.http_status == 422
    (reason,) = raised.value.details["node_errors"]["1"]
    assert reason["field"] == "width"
    assert reason["reason"]


def test_the_editors_own_format_is_refused_by_the_edge_too(client, low):
    exported = {"nodes": [], "links": [], "last_node_id": 0}
    with pytest.raises(WorkflowFormatUi):
        client.submit(client.workflows.from_json(exported))
    answer = low.raw_request("POST", "/jobs", json={"workflow": exported})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "workflow_format_ui")


def test_a_node_that_fails_is_named(client, stage):
    workflow = client.workflows.from_json(stage.graph("inverted"))
    workflow.set_input("1", "image", client.assets.from_bytes(uuid.uuid4().bytes, filename="broken.png"))
    with pytest.raises(JobFailed) as raised:
        client.run(workflow)
    assert (raised.value.error.node_id, raised.value.error.class_type) == ("1", "LoadImage")
    assert raised.value.error.message


def test_a_key_is_single_use(submit):
    key = str(uuid.uuid4())
    job = submit(idempotency_key=key)
    with pytest.raises(IdempotencyKeyReuse):
        submit(idempotency_key=key)
    assert job.result().status == "succeeded"


def test_what_is_not_there_is_not_found(client):
    for missing in (client.jobs.get, client.assets.get, client.assets.delete):
        with pytest.raises(NotFound):
            missing(str(uuid.uuid4()))


def test_a_bad_key_and_a_key_without_the_scope(stage):
    with Comfy(api_key="cfl_wrong") as stranger, pytest.raises(Unauthorized):
        stranger.submit(stranger.workflows.from_json(stage.graph("picture")))
    with Comfy(api_key=os.environ["READER_KEY"]) as reader:
        with pytest.raises(Forbidden):
            reader.submit(reader.workflows.from_json(stage.graph("picture")))
        assert isinstance(list(reader.list_jobs(limit=5)), list)


def test_a_partners_key_is_told_nobody(client, low, stage):
    secret = f"comfyui-secret-{uuid.uuid4()}"
    job = client.run(client.workflows.from_json(stage.graph("picture")), api_key=secret)
    assert secret not in str(job.get_workflow().graph)
    assert secret not in low.raw_request("GET", f"/jobs/{job.id}").text

import pytest

from comfy_sdk import JobFailed, OutputReady, Progress, StatusChange


def test_run_brings_a_picture_home(client, stage, tmp_path):
    job = client.run(client.workflows.from_json(stage.graph("picture")))
    assert (job.status, job.error, job.metadata) == ("succeeded", None, {})
    (output,) = job.outputs
    assert [found.id for found in job.get_outputs("2")] == [output.id]
    assert (output.node_id, output.type, output.content_type) == ("2", "image", "image/png")
    assert output.job_id == job.id
    data = output.to_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(data) == output.size_bytes
    assert output.to_file(tmp_path / "picture.png").read_bytes() == data
    assert output.to_bytes(range=(1, 3)) == b"PNG"


def test_run_asks_once(client, stage):
    """The SDK asks once at once, then sleeps for half a second: an edge that holds the first poll spares it the second."""
    job = client.run(client.workflows.from_json(stage.graph("lasting", 0.3)))
    assert stage.ask(f"polls/{job.id}") == 1


def test_events_tell_states_progress_and_output(submit):
    job = submit("lasting", 2)
    events = list(job.events())
    statuses = [event.status for event in events if isinstance(event, StatusChange)]
    assert "running" in statuses
    assert statuses[-1] == "succeeded"
    assert isinstance(events[-1], StatusChange)
    values = [event.value for event in events if isinstance(event, Progress)]
    assert len(values) >= 2
    assert values == sorted(values)
    assert any(isinstance(event, OutputReady) for event in events[:-1])
    assert len(job.refresh().outputs) == 1


def test_cancel_ends_a_queued_job(submit):
    busy = [submit("lasting", 6) for _ in range(3)]
    waiting = submit()
    waiting.cancel()
    assert waiting.status == "canceled"
    assert [event.status for event in waiting.events() if isinstance(event, StatusChange)][-1] == "canceled"
    with pytest.raises(JobFailed):
        waiting.result()
    for job in busy:
        job.cancel()
    assert {job.wait(timeout=30).status for job in busy} == {"canceled"}


def test_cancel_ends_a_running_job(submit):
    job = submit("lasting", 30)
    for event in job.events():
        if isinstance(event, Progress) and event.value > 0:
            break
    assert job.cancel().status in ("canceling", "canceled")
    assert job.wait(timeout=30).status == "canceled"
    assert job.cancel().status == "canceled"


def test_a_job_is_taken_up_by_its_id(client, submit):
    job = submit("lasting", 1)
    again = client.jobs.get(job.id)
    assert again.result().status == "succeeded"
    assert again.outputs[0].to_bytes()[:4] == b"\x89PNG"


def test_get_workflow_gives_the_graph(client, stage):
    graph = stage.graph("picture")
    job = client.run(client.workflows.from_json(graph))
    workflow = client.jobs.get(job.id).get_workflow()
    assert (workflow.graph, workflow.format) == (graph, "api")

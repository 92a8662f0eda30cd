import threading

import pytest

from comfy_sdk import Preview, Progress, StatusChange


def started(job):
    for event in job.events():
        if isinstance(event, Progress) and event.value > 0:
            return


def test_streams_that_are_cut_are_taken_up_by_the_sdk(stage, submit):
    # Before it opens another stream the SDK polls once, and the edge may hold that poll for five seconds.
    job = submit("lasting", 14)
    events, cuts = [], 0
    for event in job.events():
        events.append(event)
        if isinstance(event, Progress) and event.value > 0 and cuts < 2:
            cuts += 1
            assert stage.ask("cut") > 0
    assert cuts == 2
    assert isinstance(events[-1], StatusChange)
    assert events[-1].status == "succeeded"
    assert len(job.refresh().outputs) == 1


def test_a_pod_that_dies_under_a_job(stage, submit):
    job = submit("lasting", 4)
    started(job)
    killer = threading.Thread(target=lambda: stage.ask("kill-busy-pod"))
    killer.start()
    assert job.result().status == "succeeded"
    killer.join()
    assert job.outputs[0].to_bytes()[:4] == b"\x89PNG"
    stage.ask("start-pods")


async def test_a_pod_that_dies_under_an_async_job(aclient, stage):
    job = await aclient.submit(aclient.workflows.from_json(stage.graph("lasting", 4)))
    async for event in job.events():
        if isinstance(event, Progress) and event.value > 0:
            break
    stage.ask("kill-busy-pod")
    assert (await job.result()).status == "succeeded"
    stage.ask("start-pods")


def test_an_edge_that_dies(client, stage, submit):
    job = submit("lasting", 4)
    started(job)
    stage.ask("restart-edge")
    assert client.jobs.get(job.id).result().status == "succeeded"


def test_previews_come_as_pictures(submit):
    job = submit("lasting", 3)
    previews = [event for event in job.events() if isinstance(event, Preview)]
    assert previews
    assert {preview.content_type for preview in previews} == {"image/jpeg"}
    assert all(preview.data[:3] == b"\xff\xd8\xff" for preview in previews)


def test_wait_gives_up_and_the_job_goes_on(submit):
    # The deadline is looked at between polls, and the edge may hold a poll for five seconds.
    job = submit("lasting", 8)
    with pytest.raises(TimeoutError):
        job.wait(timeout=0)
    assert job.wait(timeout=60).status == "succeeded"

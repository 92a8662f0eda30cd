import asyncio
import os

from comfy_sdk import OutputReady, Progress, StatusChange


async def test_run_brings_a_picture_home(aclient, stage, tmp_path):
    job = await aclient.run(aclient.workflows.from_json(stage.graph("picture")))
    (output,) = job.outputs
    data = await output.to_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert (await output.to_file(tmp_path / "picture.png")).read_bytes() == data
    assert (await output.get_download_url()).url.startswith(os.environ["COMFY_BASE_URL"])
    assert (await job.get_workflow()).format == "api"


async def test_sixteen_jobs_at_once(aclient, stage):
    graphs = [stage.graph("lasting", 0.2) for _ in range(16)]
    jobs = await asyncio.gather(*(aclient.run(aclient.workflows.from_json(graph)) for graph in graphs))
    assert {job.status for job in jobs} == {"succeeded"}
    assert len({job.id for job in jobs}) == 16


async def test_events_tell_states_progress_and_output(aclient, stage):
    job = await aclient.submit(aclient.workflows.from_json(stage.graph("lasting", 2)))
    events = [event async for event in job.events()]
    assert [event.status for event in events if isinstance(event, StatusChange)][-1] == "succeeded"
    values = [event.value for event in events if isinstance(event, Progress)]
    assert len(values) >= 2
    assert values == sorted(values)
    assert any(isinstance(event, OutputReady) for event in events[:-1])


async def test_cancel_while_waiting(aclient, stage):
    job = await aclient.submit(aclient.workflows.from_json(stage.graph("lasting", 30)))
    waiting = asyncio.create_task(job.wait(timeout=60))
    await asyncio.sleep(0.3)
    other = await aclient.jobs.get(job.id)
    await other.cancel()
    assert (await waiting).status == "canceled"


async def test_assets_labels_and_lists(aclient, stage):
    data = os.urandom(1_000)
    asset = aclient.assets.from_bytes(data, filename="async.bin")
    asset_id = await asset.commit()
    assert asset.created_new is True
    assert (await aclient.assets.get(asset_id)).hash == asset.hash
    await asset.delete()
    label = os.urandom(8).hex()
    graph = stage.graph("picture")
    job = await aclient.submit(aclient.workflows.from_json(graph), metadata={"run": label})
    await job.wait()
    assert [summary.id async for summary in aclient.list_jobs(metadata={"run": label})] == [job.id]

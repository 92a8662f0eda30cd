import uuid

import pytest

from comfy_sdk import ComfyError


@pytest.fixture(scope="module")
def label():
    return uuid.uuid4().hex


def test_labels_are_kept_and_read_back(client, submit, label):
    job = submit(metadata={"batch": label, "shot.no": "7"})
    assert job.metadata == {"batch": label, "shot.no": "7"}
    assert client.jobs.get(job.id).wait().metadata == {"batch": label, "shot.no": "7"}


def test_list_jobs_filters_and_pages_newest_first(client, submit, label):
    jobs = [submit(metadata={"batch": label, "odd": str(number % 2)}) for number in range(5)]
    for job in jobs:
        job.wait()
    listed = list(client.list_jobs(metadata={"batch": label}, limit=2))
    ours = [summary for summary in listed if "odd" in summary.metadata]
    assert [summary.id for summary in ours] == [job.id for job in reversed(jobs)]
    assert {summary.status for summary in ours} == {"succeeded"}
    assert all(summary.create_time <= summary.update_time for summary in ours)
    odd = list(client.list_jobs(metadata={"batch": label, "odd": "1"}))
    assert [summary.id for summary in odd] == [jobs[3].id, jobs[1].id]
    assert list(client.list_jobs(metadata={"batch": label, "odd": "2"})) == []


def test_list_jobs_without_a_filter_pages_through_every_job_once(client, submit):
    job = submit()
    job.wait()
    ids = [summary.id for summary in client.list_jobs(limit=3)]
    assert job.id in ids
    assert len(ids) == len(set(ids))
    assert ids == [summary.id for summary in client.list_jobs()]


@pytest.mark.parametrize(
    "metadata",
    [
        {"no spaces": "x"},
        {"k" * 41: "x"},
        {"": "x"},
        {"k": "x" * 257},
        {"k": "line\nbreak"},
        {"k": "\u202eright to left"},
        {f"k{number}": "x" for number in range(17)},
    ],
    ids=["space", "long-key", "empty-key", "long-value", "control", "bidi", "many"],
)
def test_bad_labels_are_refused(submit, metadata):
    with pytest.raises(ComfyError) as raised:
        submit(metadata=metadata)
    assert (raised.value.code, raised.value.http_status) == ("metadata_invalid", 422)


def test_a_label_of_256_bytes_is_kept(submit):
    assert submit(metadata={"k" * 40: "ä" * 128}).metadata == {"k" * 40: "ä" * 128}


def test_bad_filters_and_cursors_are_refused(client, low):
    with pytest.raises(ComfyError) as raised:
        list(client.list_jobs(metadata={f"k{number}": "x" for number in range(4)}))
    assert (raised.value.code, raised.value.http_status) == ("invalid_metadata_filter", 422)
    answer = low.raw_request("GET", "/jobs?cursor=nonsense")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_cursor")

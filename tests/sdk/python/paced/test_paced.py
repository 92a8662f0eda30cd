"""Against an edge that takes two requests a second."""

import time


def test_submits_that_come_too_fast_are_paced(submit):
    started = time.monotonic()
    ids = {submit().id for _ in range(8)}
    assert len(ids) == 8
    assert time.monotonic() - started > 0.9


def test_lists_that_come_too_fast_are_paced(client):
    time.sleep(2)
    seen = [[summary.id for summary in client.list_jobs(limit=2)] for _ in range(2)]
    assert len(seen[0]) == 8
    assert seen[0] == seen[1]

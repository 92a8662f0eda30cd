"""Runs each graph that comes as a line of JSON with the official SDK, and says in a line how long that took."""

import json
import sys
import time

from comfy_sdk import Comfy, ComfyError


def run(client, graph):
    started = time.perf_counter()
    try:
        job = client.run(client.workflows.from_json(graph))
        state, size = job.status, len(job.outputs[0].to_bytes()) if job.outputs else 0
    except ComfyError as error:
        state, size = str(error), 0
    return {"wallMs": (time.perf_counter() - started) * 1_000, "state": state, "sizeBytes": size}


with Comfy() as made:
    for line in sys.stdin:
        print(json.dumps(run(made, json.loads(line))), flush=True)

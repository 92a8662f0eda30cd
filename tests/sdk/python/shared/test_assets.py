import io
import os
import struct
import urllib.request
import zlib

import pytest

from comfy_sdk import ComfyError, HashMismatch, MissingAsset, NotFound


def gradient(edge=16):
    def chunk(tag, data):
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    rows = b"".join(b"\x00" + bytes(v for x in range(edge) for v in (x * 16, y * 16, 9)) for y in range(edge))
    header = struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def content(client_low, asset_id):
    with client_low.get_asset_content(asset_id) as answer:
        return b"".join(answer.iter_bytes())


def test_files_bytes_and_streams_are_uploaded_once(client, low, tmp_path):
    data = os.urandom(70_000)
    path = tmp_path / "noise.bin"
    path.write_bytes(data)
    first = client.assets.from_file(path)
    first.commit()
    assert (first.created_new, first.job_id) == (True, None)
    again = client.assets.from_bytes(data, filename="noise.bin")
    assert again.commit() == first.id
    assert again.created_new is False
    streamed = client.assets.from_stream(io.BytesIO(data), filename="other.bin")
    streamed.commit()
    assert streamed.created_new is False
    assert content(low, first.id) == content(low, streamed.id) == data
    known = client.assets.get(first.id)
    assert (known.id, known.hash, known.file_path) == (first.id, first.hash, "noise.bin")


def test_an_asset_in_a_graph_is_what_a_node_loads(client, stage):
    workflow = client.workflows.from_json(stage.graph("inverted"))
    workflow.set_input("1", "image", client.assets.from_bytes(gradient(), filename="gradient-16.png"))
    job = client.run(workflow)
    (output,) = job.get_outputs("3")
    assert struct.unpack(">II", output.to_bytes()[16:24]) == (16, 16)


def test_outputs_can_be_streamed_and_addressed(client, stage):
    (output,) = client.run(client.workflows.from_json(stage.graph("picture"))).outputs
    sink = io.BytesIO()
    assert output.to_stream(sink) == output.size_bytes
    address = output.get_download_url()
    with urllib.request.urlopen(address.url, timeout=30) as answer:
        assert answer.read() == sink.getvalue()


def test_delete_removes_an_upload_once(client):
    asset = client.assets.from_bytes(os.urandom(64), filename="short-lived.bin")
    asset_id = asset.commit()
    asset.delete()
    for gone in (lambda: client.assets.delete(asset_id), lambda: client.assets.get(asset_id)):
        with pytest.raises(NotFound):
            gone()


def test_an_output_is_in_use(client, stage):
    (output,) = client.run(client.workflows.from_json(stage.graph("picture"))).outputs
    with pytest.raises(ComfyError) as raised:
        client.assets.delete(output.id)
    assert (raised.value.code, raised.value.http_status) == ("asset_in_use", 409)


def test_a_wrong_hash_keeps_nothing(client, low):
    data = os.urandom(64)
    asset = client.assets.from_bytes(data, filename="wrong.bin")
    true_hash = asset.hash
    asset._hash = "blake3:" + "0" * 64  # noqa: SLF001: a file that changed after it was hashed
    with pytest.raises(HashMismatch):
        asset.commit()
    assert low.head_asset_by_hash(true_hash) is False


def test_a_missing_asset_is_said(client, stage):
    workflow = client.workflows.from_json(stage.graph("inverted"))
    workflow.set_input("1", "image", {"__type": "core/ASSET", "info": {"id": "00000000-0000-7000-8000-000000000000"}})
    with pytest.raises(MissingAsset):
        client.submit(workflow)

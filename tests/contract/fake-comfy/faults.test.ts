// Every fault of the stand-in, by flag and by control port, on real processes.
import { describe, expect, it } from "vitest";
import { connect, runToEnd, startStandIn, submit, until, waitForStatus, within } from "./stand-in.ts";

const picture = { class_type: "EmptyImage", inputs: { width: 16, height: 16, batch_size: 1, color: 255 } };

function quickGraph(prefix: string) {
  return { "1": picture, "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: prefix } } };
}

/** 200 steps of whatever --step-ms says; node 2 is the slow one. */
function slowGraph() {
  return {
    "1": { ...picture, inputs: { ...picture.inputs, batch_size: 200 } },
    "2": {
      class_type: "ColorTransfer",
      inputs: {
        image_target: ["1", 0],
        image_ref: ["1", 0],
        method: "histogram",
        source_stats: "per_frame",
        strength: 1,
      },
    },
    "3": { class_type: "SaveImage", inputs: { images: ["2", 0], filename_prefix: "slow" } },
  };
}

describe("faults at start", () => {
  it("exit-at-start ends the process with the wanted code before the port opens", async () => {
    const { code, output } = await runToEnd(["--port", "0", "--fault", "exit-at-start=7"]);
    expect(code).toBe(7);
    expect(output).not.toContain("To see the GUI");
  });

  it("port-in-use ends the process with code 1 and ComfyUI's line", async () => {
    const { code, output } = await runToEnd(["--port", "18999", "--fault", "port-in-use"]);
    expect(code).toBe(1);
    expect(output).toContain("Port 18999 is already in use on address 127.0.0.1");
  });

  it("an unknown fault ends the process with code 2 and names those that exist", async () => {
    const { code, output } = await runToEnd(["--port", "0", "--fault", "tired"]);
    expect(code).toBe(2);
    expect(output).toContain("lost-terminal-event");
  });
});

describe("faults while running", () => {
  it("crash kills the process at once when armed by the control port", async () => {
    await using standIn = await startStandIn();
    await standIn.arm("crash").catch(() => undefined);
    expect(await within(standIn.ended, "the crash")).toEqual({ code: null, signal: "SIGKILL" });
  });

  it("crash=node:ID waits for that node", async () => {
    await using standIn = await startStandIn(["--step-ms", "1", "--fault", "crash=node:3"]);
    const client = await connect(standIn, "test");
    await submit(standIn, slowGraph());
    expect((await within(standIn.ended, "the crash")).signal).toBe("SIGKILL");
    await within(client.closed, "the end of the socket");
    const heard = client.messages.map(({ type }) => type);
    expect(heard).toContain("progress");
    expect(heard).not.toContain("executed");
  });

  it("drop-socket=run cuts the client while the job goes on to its end", async () => {
    await using standIn = await startStandIn(["--fault", "drop-socket=run"]);
    const client = await connect(standIn, "test");
    const id = await submit(standIn, quickGraph("x"));
    expect(await within(client.closed, "the cut")).toBe(1006);
    expect(await waitForStatus(standIn, id, ["completed"])).toBe("completed");
  });

  it("lost-terminal-event hides the end from the socket and not from the history", async () => {
    await using standIn = await startStandIn(["--fault", "lost-terminal-event"]);
    const client = await connect(standIn, "test");
    const id = await submit(standIn, quickGraph("x"));
    await waitForStatus(standIn, id, ["completed"]);
    await until(() => client.messages.some(({ type }) => type === "executed") ? true : null, "the output");
    const later = await connect(standIn, "later");
    await until(() => later.messages.length > 0 ? true : null, "a later message");
    expect(client.messages.map(({ type }) => type)).not.toContain("execution_success");
    expect(client.messages.filter(({ type, data }) => type === "executing" && data["node"] === null)).toEqual([]);
  });

  it("no-jobs-api answers as where no route is, until it is cleared; queue and history still know", async () => {
    await using standIn = await startStandIn(["--fault", "no-jobs-api"]);
    const id = await submit(standIn, quickGraph("x"));
    await until(async () => {
      const history = await (await fetch(`${standIn.url}/history/${id}`)).json() as Record<string, unknown>;
      return id in history ? true : null;
    }, "the history");
    for (const path of ["/api/jobs", `/api/jobs/${id}`]) {
      const reply = await fetch(`${standIn.url}${path}`);
      expect([reply.status, await reply.text()]).toEqual([404, ""]);
    }
    const cancel = await fetch(`${standIn.url}/api/jobs/${id}/cancel`, { method: "POST" });
    expect([cancel.status, cancel.headers.get("allow")]).toEqual([405, "GET,HEAD"]);
    await standIn.clearFaults();
    expect(await waitForStatus(standIn, id, ["completed"])).toBe("completed");
  });

  it("hang stops every answer until it is cleared", async () => {
    await using standIn = await startStandIn();
    expect(await standIn.arm("hang")).toBe(200);
    const answer = fetch(`${standIn.url}/prompt`);
    const first = await Promise.race([
      answer.then(() => "answered"),
      new Promise((resolve) => setTimeout(resolve, 200, "silent")),
    ]);
    expect(first).toBe("silent");
    await standIn.clearFaults();
    expect((await within(answer, "the answer")).status).toBe(200);
  });

  it("hang=run holds a node that no cancel can end, while HTTP answers", async () => {
    await using standIn = await startStandIn(["--fault", "hang=run"]);
    const id = await submit(standIn, quickGraph("x"));
    await waitForStatus(standIn, id, ["in_progress"]);
    await fetch(`${standIn.url}/api/jobs/${id}/cancel`, { method: "POST" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await waitForStatus(standIn, id, ["in_progress", "cancelled"])).toBe("in_progress");
    await standIn.clearFaults();
    expect(await waitForStatus(standIn, id, ["cancelled"])).toBe("cancelled");
  });
});

describe("control port", () => {
  it("refuses an argument that the fault does not take", async () => {
    await using standIn = await startStandIn();
    expect(await standIn.arm("crash", "sometimes")).toBe(400);
    expect(await standIn.arm("nonsense")).toBe(400);
  });

  it("GET /state tells which prompts ran and who listens", async () => {
    await using standIn = await startStandIn();
    await connect(standIn, "watcher");
    const id = await submit(standIn, quickGraph("x"));
    await waitForStatus(standIn, id, ["completed"]);
    const state = await (await fetch(`${standIn.controlUrl}/state`)).json();
    expect(state).toMatchObject({
      pid: standIn.child.pid,
      clientIds: ["watcher"],
      running: [],
      worker: { started: [id], alive: true },
    });
  });
});

describe("previews", () => {
  it("--previews sends one frame a step, bare or with its owner as the client asked", async () => {
    await using standIn = await startStandIn(["--previews", "--step-ms", "0"]);
    const plain = await connect(standIn, "plain");
    await waitForStatus(standIn, await submit(standIn, slowGraph(), "plain"), ["completed"]);
    await until(() => plain.frames.length === 200 ? true : null, "200 frames");
    expect(plain.frames[0]?.readUInt32BE(0)).toBe(1);
    expect(plain.frames[0]?.subarray(8, 10)).toEqual(Buffer.from([0xff, 0xd8]));

    const modern = await connect(standIn, "modern");
    modern.socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }));
    await until(() => modern.messages.some(({ type }) => type === "feature_flags") ? true : null, "the flags");
    const again = { ...slowGraph(), "1": { ...picture, inputs: { ...picture.inputs, batch_size: 3, color: 7 } } };
    const id = await submit(standIn, again, "modern");
    await waitForStatus(standIn, id, ["completed"]);
    const frame = await until(() => modern.frames[2] ?? null, "3 frames");
    expect(frame.readUInt32BE(0)).toBe(4);
    const owner = JSON.parse(frame.subarray(8, 8 + frame.readUInt32BE(4)).toString());
    expect(owner).toMatchObject({ node_id: "2", prompt_id: id, image_type: "image/jpeg" });
  });
});

describe("duplicate ids", () => {
  it("waiting prompts with one number and id answer 500 once compared, and end the worker for ever", async () => {
    await using standIn = await startStandIn(["--step-ms", "10"]);
    const running = await submit(standIn, slowGraph());
    await waitForStatus(standIn, running, ["in_progress"]);
    const twin = crypto.randomUUID();
    const post = async (prefix: string, number: number, prompt_id: string) => {
      const body = JSON.stringify({ prompt: quickGraph(prefix), prompt_id, number });
      return (await fetch(`${standIn.url}/prompt`, { method: "POST", body })).status;
    };
    // The first goes to the top of the heap, so that the twins meet only when the third of them is pushed.
    expect(await post("first", 1, crypto.randomUUID())).toBe(200);
    expect([await post("a", 5, twin), await post("b", 5, twin), await post("c", 5, twin)]).toEqual([200, 200, 500]);
    await fetch(`${standIn.url}/interrupt`, { method: "POST" });
    await waitForStatus(standIn, running, ["cancelled"]);
    const worker = await until(async () => {
      const state = await (await fetch(`${standIn.controlUrl}/state`)).json() as { worker: { alive: boolean } };
      return state.worker.alive ? null : state.worker;
    }, "the worker's end");
    expect(worker).toMatchObject({ started: [running] });
    const later = await submit(standIn, quickGraph("later"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await waitForStatus(standIn, later, ["pending", "completed"])).toBe("pending");
  });
});

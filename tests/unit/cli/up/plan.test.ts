import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { denoEdgeFlags } from "../../../../cli/up/entry.ts";
import { planProcesses, type UpPlanOptions } from "../../../../cli/up/plan.ts";
import { CONFIG_NAMES as AGENT_NAMES } from "../../../../agent/config.ts";
import { CONFIG_NAMES as EDGE_NAMES, parseConfig } from "../../../../proxy/config.ts";

const OPTIONS: UpPlanOptions = {
  dataDir: "data",
  ports: { edge: 8080, agent: 8189, comfy: 8188 },
  listenHost: "127.0.0.1",
  deno: null,
  node: "/bin/node",
  comfy: { kind: "fake" },
  agentSecret: "s".repeat(32),
  bootstrapKey: "cfl_key",
  env: {},
};

function plan(changes: Partial<UpPlanOptions> = {}) {
  const [agent, edge] = planProcesses({ ...OPTIONS, ...changes });
  if (agent?.name !== "agent" || edge?.name !== "edge") throw new Error("the plan has another order");
  return { agent, edge };
}

describe("planProcesses()", () => {
  it("names files under the data folder, absolute whatever the caller's folder", () => {
    const { agent, edge } = plan();
    expect(agent.env.AGENT_STATE_DIR).toBe(resolve("data/agent"));
    expect(edge.env.EDGE_DATA_DIR).toBe(resolve("data/edge"));
    expect([agent.logPath, edge.logPath]).toEqual([resolve("data/logs/agent.log"), resolve("data/logs/edge.log")]);
  });

  it("gives the edge the pod's address and secret, in a form that its configuration takes", () => {
    const config = parseConfig(plan().edge.env, () => "");
    expect(config.EDGE_PODS).toEqual([{ name: "local", url: "http://127.0.0.1:8189", secret: OPTIONS.agentSecret }]);
    expect(config.EDGE_LISTEN).toEqual({ hostname: "127.0.0.1", port: 8080 });
    expect(config.EDGE_BOOTSTRAP_KEY).toBe("cfl_key");
  });

  it("has no agent, and an edge that names no pod, where no ComfyUI is to be on this machine", () => {
    const [edge, ...more] = planProcesses({ ...OPTIONS, comfy: null });
    expect([edge?.name, more]).toEqual(["edge", []]);
    expect(parseConfig(edge?.env ?? {}, () => "").EDGE_PODS).toEqual([]);
  });

  it("runs the edge on Deno with exactly the flags of its one list, else on Node", () => {
    const { edge } = plan({ deno: "/bin/deno" });
    const flags = denoEdgeFlags(resolve("data/edge"));
    expect(edge.command).toEqual(["/bin/deno", "run", ...flags, expect.stringMatching(/proxy\/main\.deno\.ts$/)]);
    expect(edge.command).not.toContain("-A");
    expect(plan().edge.command).toEqual(["/bin/node", expect.stringMatching(/proxy\/main\.node\.ts$/)]);
  });

  it("passes settings on to whom they belong, and nothing else of the caller's environment", () => {
    const env = Object.fromEntries(
      [...EDGE_NAMES, ...AGENT_NAMES, "AWS_SECRET_ACCESS_KEY", "COMFYFLEET_KEY", "PATH"].map((
        name,
      ) => [name, `of ${name}`]),
    );
    const { agent, edge } = plan({ env });
    const set = ["EDGE_LISTEN", "EDGE_DATA_DIR", "EDGE_PODS", "EDGE_BOOTSTRAP_KEY", "EDGE_STOP_WITH_PARENT"];
    const toNeither = "OTEL_SERVICE_NAME";
    const passed = EDGE_NAMES.filter((name) => !set.includes(name) && name !== toNeither);
    for (const name of [...passed, "PATH"]) {
      expect(edge.env[name], name).toBe(`of ${name}`);
    }
    for (const name of ["COMFYUI_ARGS", "COMFYUI_PYTHON", "AGENT_POLL_MS", "LOG_LEVEL", "PATH"]) {
      expect(agent.env[name], name).toBe(`of ${name}`);
    }
    expect(Object.keys(edge.env).filter((name) => /^(AGENT|COMFYUI|AWS|COMFYFLEET)_/.test(name))).toEqual([]);
    expect(Object.keys(agent.env).filter((name) => /^(EDGE|MAX|POD|AWS|COMFYFLEET)_/.test(name))).toEqual([]);
    expect(agent.env.AGENT_SECRET).toBe(OPTIONS.agentSecret);
  });

  it("tells the agent the one ComfyUI that was chosen, whatever the environment names", () => {
    const env = { COMFYUI_DIR: "/other", COMFYUI_URL: "http://other" };
    expect(plan({ env }).agent.env).toMatchObject({
      COMFYUI_COMMAND: JSON.stringify(["/bin/node", resolve("fake-comfy/main.ts")]),
      COMFYUI_PORT: "8188",
    });
    expect(plan({ env }).agent.env).not.toHaveProperty("COMFYUI_URL");
    expect(plan({ env }).agent.env).not.toHaveProperty("COMFYUI_DIR");
    const attached = plan({ env, comfy: { kind: "attach", url: "http://127.0.0.1:1" } }).agent.env;
    expect(attached.COMFYUI_URL).toBe("http://127.0.0.1:1");
    expect(attached).not.toHaveProperty("COMFYUI_COMMAND");
    const directory = plan({ comfy: { kind: "directory", directory: "here", python: "/bin/python" } }).agent.env;
    expect(directory).toMatchObject({ COMFYUI_DIR: resolve("here"), COMFYUI_PYTHON: "/bin/python" });
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workspace } from "../../../../agent/attempts/workspace.ts";
import { newOrder } from "./service-bench.ts";

let folder: string;
let workspace: Workspace;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cf-workspace-"));
  const folders = { input: join(folder, "input"), output: join(folder, "output"), temp: join(folder, "temp") };
  workspace = new Workspace(join(folder, "attempts"), () => folders);
  await workspace.sweep(new Set());
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { attemptId } = newOrder();
const { attemptId: other } = newOrder();
const keep = (id: typeof attemptId, index: number, text = "x") => writeFileSync(workspace.outputPath(id, index), text);
const left = () => readdirSync(join(folder, "attempts")).toSorted();

describe("sweep()", () => {
  it("removes what is of no held attempt, here and at ComfyUI, and nothing that is of none", async () => {
    for (const id of [attemptId, other]) {
      keep(id, 0);
      keep(id, 11);
      mkdirSync(join(folder, "output", id), { recursive: true });
    }
    writeFileSync(join(folder, "attempts/readme"), "x");
    await workspace.sweep(new Set([other]));
    expect(left()).toEqual([`${other}.0`, `${other}.11`, "readme"].toSorted());
    expect(readdirSync(join(folder, "output"))).toEqual([other]);
  });

  it("takes over the folders of an agent of before", async () => {
    for (const id of [attemptId, other]) {
      mkdirSync(join(folder, "attempts", id));
      for (const index of ["0", "1"]) writeFileSync(join(folder, "attempts", id, index), `${id} ${index}`);
    }
    await workspace.sweep(new Set([other]));
    expect(left()).toEqual([`${other}.0`, `${other}.1`]);
    expect(readFileSync(workspace.outputPath(other, 1), "utf8")).toBe(`${other} 1`);
  });
});

describe("removeOutputs()", () => {
  it("removes those it is told of, small and large, also one that is gone", async () => {
    for (const index of [0, 1, 3]) keep(attemptId, index);
    const outputs = [{ index: 0, sizeBytes: 1 }, { index: 1, sizeBytes: 1e9 }, { index: 2, sizeBytes: 1 }];
    await workspace.removeOutputs(attemptId, outputs);
    expect(left()).toEqual([`${attemptId}.3`]);
  });

  it("removes what it finds of an attempt where nobody knows how much there is", async () => {
    for (const id of [attemptId, other]) for (const index of [0, 12]) keep(id, index);
    await workspace.removeOutputs(attemptId, null);
    expect(left()).toEqual([`${other}.0`, `${other}.12`]);
  });
});

describe("makeRoom()", () => {
  it("leaves nothing at the place of an output", async () => {
    keep(attemptId, 1);
    expect(await workspace.makeRoom(attemptId, 1)).toBe(workspace.outputPath(attemptId, 1));
    expect(await workspace.makeRoom(attemptId, 2)).toBe(workspace.outputPath(attemptId, 2));
    expect(left()).toEqual([]);
  });
});

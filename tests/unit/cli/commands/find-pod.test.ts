import { describe, expect, it } from "vitest";
import { choosePod } from "../../../../cli/commands/find-pod.ts";
import type { Pod } from "../../../../client/mod.ts";

const pod = (name: string, suffix: string) => ({ name, id: `pod_${suffix}` }) as Pod;
const PODS = [
  pod("gpu-1", "01aaaaaaaaaaaaaaaaaaaaaaa1"),
  pod("gpu-10", "01aaaaaaaaaaaaaaaaaaaaaab2"),
  pod("tower", "01bbbbbbbbbbbbbbbbbbbbbbb3"),
];

describe("choosePod()", () => {
  it.each([
    ["gpu-1", "gpu-1"],
    ["gpu-10", "gpu-10"],
    ["tow", "tower"],
    ["pod_01b", "tower"],
    ["01bbb", "tower"],
    ["ab2", "gpu-10"],
    ["pod_01aaaaaaaaaaaaaaaaaaaaaaa1", "gpu-1"],
  ])("finds by '%s' %s", (wanted, name) => {
    expect(choosePod(PODS, wanted).name).toBe(name);
  });

  it.each([["gpu", "gpu-1 (pod_01a"], ["pod_", "tower"], ["01a", "gpu-10"]])(
    "does not guess which of several '%s' is, and names them",
    (wanted, named) => {
      expect(() => choosePod(PODS, wanted)).toThrow(
        expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining(named) }),
      );
    },
  );

  it("takes an id for what it is, whatever another pod calls itself, and does not guess between two of one name", () => {
    const id = "pod_01aaaaaaaaaaaaaaaaaaaaaaa1";
    const thief = pod(id, "01000000000000000000000009");
    expect(choosePod([thief, ...PODS], id).name).toBe("gpu-1");
    const twin = pod("gpu-1", "01000000000000000000000008");
    expect(() => choosePod([twin, ...PODS], "gpu-1")).toThrow(
      expect.objectContaining({ code: "invalid_input", hint: expect.stringContaining(twin.id) }),
    );
  });

  it.each(["", "nope", "pod_09"])("finds nothing by '%s'", (wanted) => {
    expect(() => choosePod(PODS, wanted)).toThrow(expect.objectContaining({ code: "not_found" }));
  });
});

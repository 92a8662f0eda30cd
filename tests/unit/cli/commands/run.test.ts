import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readWorkflow } from "../../../../cli/commands/run.ts";

describe("readWorkflow()", () => {
  it("reads JSON, and says which file is missing or none", () => {
    const folder = mkdtempSync(join(tmpdir(), "run-"));
    try {
      const path = join(folder, "w.json");
      writeFileSync(path, '{"1":{"class_type":"X","inputs":{}}}');
      expect(readWorkflow(path)).toEqual({ "1": { class_type: "X", inputs: {} } });
      writeFileSync(path, "{");
      expect(() => readWorkflow(path)).toThrow(expect.objectContaining({ code: "invalid_json" }));
      expect(() => readWorkflow(join(folder, "none.json"))).toThrow(expect.objectContaining({ code: "invalid_input" }));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

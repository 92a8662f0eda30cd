import { describe, expect, it } from "vitest";
import { invocation } from "../../../cli/invocation.ts";

const SOURCE = "/src/comfyfleet/cli/main.ts";

describe("invocation()", () => {
  it("is the package's own command where its bin was started", () => {
    expect(invocation({ script: "/usr/local/bin/comfyfleet", cwd: "/home/me", env: {} })).toBe("comfyfleet");
  });

  it("is npx where npx started it: then no such command is on the path", () => {
    const script = "/app/node_modules/.bin/comfyfleet";
    expect(invocation({ script, cwd: "/app", env: { npm_command: "exec" } })).toBe("npx comfyfleet");
  });

  it("is the npm script in the folder of a checkout", () => {
    const env = { npm_command: "run-script" };
    expect(invocation({ script: SOURCE, cwd: "/src/comfyfleet", env })).toBe("npm run --silent cli --");
    expect(invocation({ script: SOURCE, cwd: "/src/comfyfleet/", env: {} })).toBe("npm run --silent cli --");
  });

  it("is node with the path elsewhere, quoted for a shell where it must be", () => {
    expect(invocation({ script: SOURCE, cwd: "/home/me", env: {} })).toBe(`node ${SOURCE}`);
    expect(invocation({ script: SOURCE, cwd: "/src", env: {} })).toBe("node comfyfleet/cli/main.ts");
    expect(invocation({ script: "/my src/cli/main.ts", cwd: "/", env: {} })).toBe("node 'my src/cli/main.ts'");
    expect(invocation({ script: "/src/dist/cli/main.js", cwd: "/x", env: {} })).toBe("node /src/dist/cli/main.js");
  });
});

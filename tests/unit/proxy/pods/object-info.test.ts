import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { setUpPodSide, until } from "./pod-side.ts";

const BODY = JSON.stringify({ SaveImage: { input: {} } });
const HASH = createHash("sha256").update(BODY).digest("hex");

function bodyRequests(requests: readonly string[]): number {
  return requests.filter((name) => name.includes("/object-info/")).length;
}

describe("the pod's object info", () => {
  it("is fetched once per hash, kept, and only then named to the planner", async () => {
    await using side = await setUpPodSide();
    side.agent.capability = { ...side.agent.capability, objectInfoSha256: HASH };
    side.agent.objectInfo.set(HASH, BODY);
    await side.start();
    await until(() => side.live().objectInfoSha256 === HASH);
    expect(await side.store.getObjectInfo(HASH)).toBe(BODY);
    await side.advance(20_000);
    expect(bodyRequests(side.transport.requests)).toBe(1);
  });

  it("is not fetched when the store has that body from another pod", async () => {
    await using side = await setUpPodSide();
    side.agent.capability = { ...side.agent.capability, objectInfoSha256: HASH };
    await side.store.putObjectInfo({ sha256: HASH, body: BODY });
    await side.start();
    await until(() => side.live().objectInfoSha256 === HASH);
    expect(bodyRequests(side.transport.requests)).toBe(0);
  });

  it("is refused when its bytes have another hash, and asked for again at the next beat", async () => {
    await using side = await setUpPodSide();
    side.agent.capability = { ...side.agent.capability, objectInfoSha256: HASH };
    side.agent.objectInfo.set(HASH, "{}");
    await side.start();
    await until(() => side.lines.some(({ message }) => message === "object info not fetched"));
    expect(await side.store.getObjectInfo(HASH)).toBeNull();
    expect(side.live().objectInfoSha256).toBeNull();
    side.agent.objectInfo.set(HASH, BODY);
    await side.advance(6_000);
    await until(() => side.live().objectInfoSha256 === HASH);
  });

  it("is no longer named once the pod has another one that is not fetched yet", async () => {
    await using side = await setUpPodSide();
    side.agent.capability = { ...side.agent.capability, objectInfoSha256: HASH };
    side.agent.objectInfo.set(HASH, BODY);
    await side.start();
    await until(() => side.live().objectInfoSha256 === HASH);
    side.agent.capability = { ...side.agent.capability, objectInfoSha256: "0".repeat(64) };
    side.agent.changed();
    await until(() => side.live().objectInfoSha256 === null);
  });
});

// /api/assets and /api/tags, which are switched off: every route says so.
import { describe, expect, it } from "vitest";
import type { Target } from "./target.ts";
import { call } from "./wire.ts";

const ID = "/api/assets/00000000-0000-4000-8000-000000000000";

export function describeAssets(target: Target): void {
  describe("assets", () => {
    it.each([
      ...["GET /api/assets", "POST /api/assets", "POST /api/assets/from-hash", "GET /api/tags"],
      ...[`GET ${ID}`, `PUT ${ID}`, `DELETE ${ID}`, `GET ${ID}/content`, `POST ${ID}/tags`, `DELETE ${ID}/tags`],
      ...["GET /api/assets/tags/refine", "POST /api/assets/prune"],
      ...["POST /api/assets/seed", "GET /api/assets/seed/status", "POST /api/assets/seed/cancel"],
    ])("%s answers 503", async (request) => {
      const [method = "", path = ""] = request.split(" ");
      const answer = await call(target.server(), path, { method });
      expect([answer.status, answer.json]).toEqual([
        503,
        { error: { code: "SERVICE_DISABLED", message: expect.any(String), details: {} } },
      ]);
    });

    it("HEAD /api/assets/hash/{hash} answers 503, and an id that is no UUID 404", async () => {
      expect((await call(target.server(), "/api/assets/hash/blake3:00", { method: "HEAD" })).status).toBe(503);
      expect((await call(target.server(), "/api/assets/none")).status).toBe(404);
    });
  });
}

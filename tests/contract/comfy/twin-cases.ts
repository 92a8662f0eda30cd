// Every route of ComfyUI's own exists under /api too. What each does is shown by the other cases, without the prefix.
import { describe, expect, it } from "vitest";
import type { Target } from "./target.ts";
import { call, callUnnoted } from "./wire.ts";

type Ask = [request: string, body?: unknown];

const NOBODY = "00000000-0000-4000-8000-000000000000";

/** One request per route that changes nothing. */
const REQUESTS: Ask[] = [
  ...[["GET /prompt"], ["GET /queue"], ["GET /history"], [`GET /history/${NOBODY}`], ["GET /object_info"]] as Ask[],
  ...[["GET /object_info/SaveImage"], ["GET /system_stats"], ["GET /features"], ["GET /extensions"]] as Ask[],
  ...[["GET /models"], ["GET /models/loras"], ["GET /experiment/models"], ["GET /experiment/models/loras"]] as Ask[],
  ...[["GET /view_metadata/loras"], ["GET /embeddings"], ["GET /view?filename=none.png"], ["GET /users"]] as Ask[],
  ...[["GET /settings"], ["GET /settings/none"], ["GET /userdata?dir=none"], ["GET /v2/userdata"]] as Ask[],
  ...[["GET /userdata/none"], ["GET /workflow_templates"], ["GET /i18n"], ["GET /node_replacements"]] as Ask[],
  ...[["GET /global_subgraphs"], ["GET /global_subgraphs/none"], ["GET /"], ["GET /ws"]] as Ask[],
  ...[["POST /prompt", {}], ["POST /queue", {}], ["POST /interrupt", { prompt_id: NOBODY }]] as Ask[],
  ...[["POST /free", {}], ["POST /history", {}], ["POST /upload/image"], ["POST /upload/mask"]] as Ask[],
  ...[["POST /users", {}], ["POST /settings", {}], ["POST /settings/twin", 1]] as Ask[],
  ...[["POST /userdata/..%2F..%2Fup"], ["POST /userdata/none/move/other"], ["DELETE /userdata/none"]] as Ask[],
];

export function describeTwins(target: Target): void {
  describe("routes under /api", () => {
    it.each(REQUESTS)("%s answers there as without the prefix", async (request, body) => {
      const [method = "", path = ""] = request.split(" ");
      const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const [plain, twin] = [
        await callUnnoted(target.server(), path, init),
        await call(target.server(), `/api${path}`, init),
      ];
      const shown = ({ status, headers }: typeof plain) => [status, headers.get("content-type")];
      expect(shown(twin)).toEqual(shown(plain));
      expect(plain.status).not.toBe(405);
    });
  });
}

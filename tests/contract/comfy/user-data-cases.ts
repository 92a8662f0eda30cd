// /users, /settings, /userdata: what the page keeps. The agent uses none of it and keeps others from it.
import { describe, expect, it } from "vitest";
import type { Target } from "./target.ts";
import { call, PLAIN_500, post } from "./wire.ts";

export function describeUserData(target: Target): void {
  const text = (path: string, body: string) => call(target.server(), path, { method: "POST", body });
  const file = (name: string) => `/userdata/${encodeURIComponent(name)}`;

  describe("user data", () => {
    it("GET /users tells that the server keeps it, and POST /users makes an id", async () => {
      expect((await call(target.server(), "/users")).json).toMatchObject({ storage: "server" });
      expect((await post(target.server(), "/users", { username: "somebody" })).json).toMatch(
        /^somebody_[0-9a-f-]{36}$/,
      );
      expect((await post(target.server(), "/users", {})).text).toBe(PLAIN_500);
    });

    it("/settings are kept one by one and together", async () => {
      expect((await call(target.server(), "/settings/never.set")).json).toBeNull();
      for (const [path, body] of [["/settings", { "a.b": 1 }], ["/settings/c", { x: 2 }]] as const) {
        const answer = await post(target.server(), path, body);
        expect([answer.status, answer.text]).toEqual([200, ""]);
      }
      expect((await call(target.server(), "/settings")).json).toMatchObject({ "a.b": 1, c: { x: 2 } });
      expect((await call(target.server(), "/settings/c")).json).toEqual({ x: 2 });
      expect((await post(target.server(), "/settings", "no json")).text).toBe(PLAIN_500);
    });

    it("/userdata stores, lists, moves and deletes a file", async () => {
      const name = "folder/a.json";
      expect((await text(file(name), "one")).json).toBe(name);
      const info = { path: name, size: 3, modified: expect.any(Number), created: expect.any(Number) };
      expect((await text(`${file(name)}?full_info=true`, "two")).json).toEqual(info);
      const again = await text(`${file(name)}?overwrite=false`, "three");
      expect([again.status, again.text]).toEqual([409, "File already exists"]);
      const read = await call(target.server(), file(name));
      expect([read.text, read.headers.get("content-type")]).toEqual(["two", "application/json"]);
      expect((await call(target.server(), "/userdata?dir=folder")).json).toEqual(["a.json"]);
      expect((await call(target.server(), "/userdata?dir=folder&split=true")).json).toEqual([["a.json", "a.json"]]);
      expect((await call(target.server(), "/userdata?dir=folder&full_info=true")).json).toEqual([{
        ...info,
        path: "a.json",
      }]);
      expect((await call(target.server(), "/v2/userdata?path=folder")).json).toEqual([
        { name: "a.json", path: name, type: "file", size: 3, modified: expect.any(Number) },
      ]);
      expect((await call(target.server(), "/v2/userdata")).json).toEqual(expect.arrayContaining([
        { name: "folder", path: "folder", type: "directory" },
      ]));
      const moved = await text(`${file(name)}/move/${encodeURIComponent("folder/b.json")}`, "");
      expect([moved.status, moved.json]).toEqual([200, "folder/b.json"]);
      const gone = [];
      for (let tries = 0; tries < 2; tries += 1) {
        gone.push((await call(target.server(), file("folder/b.json"), { method: "DELETE" })).status);
      }
      expect(gone).toEqual([204, 404]);
    });

    it.each<[method: string, path: string, answer: [status: number, text: string]]>([
      ["GET", "/userdata", [400, "Directory not provided"]],
      ["GET", "/userdata?dir=none", [404, "Directory not found"]],
      ["GET", "/userdata?dir=..%2F..", [403, "Invalid directory"]],
      ["GET", "/v2/userdata?path=none", [404, "Requested path not found"]],
      ["GET", "/userdata/none.json", [404, ""]],
      ["GET", "/userdata/..%2F..%2Fup", [403, ""]],
      ["POST", "/userdata/..%2F..%2Fup", [403, ""]],
      ["POST", "/userdata/none.json/move/other.json", [404, ""]],
    ])("%s %s answers %j", async (method, path, expected) => {
      const answer = await call(target.server(), path, { method });
      expect([answer.status, answer.text]).toEqual(expected);
    });
  });
}

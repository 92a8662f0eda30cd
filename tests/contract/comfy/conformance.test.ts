// The conformance suite: what ComfyUI does on its wire, as far as an agent relies on it. The same cases run against the
// stand-in (default) and against a real ComfyUI (COMFY_TARGET=real), one after the other on one server.
//
// Written against v0.30.0, which has every route and message that is documented of v0.33.0. Differences, as far as known:
// the dotted inputs of the video nodes, which are not used here; and an asset's route answers 404 to an id that is no UUID,
// where v0.33.0 is said to answer 503 to all while assets are off.
import { afterAll, beforeAll, describe } from "vitest";
import type { StartedComfy } from "../../support/real-comfy/start.ts";
import { describeAssets } from "./assets-cases.ts";
import { describeBehaviour } from "./behaviour-cases.ts";
import { describeCoverage } from "./coverage-cases.ts";
import { describeFiles } from "./files-cases.ts";
import { describeHistory } from "./history-cases.ts";
import { describeInternal } from "./internal-cases.ts";
import { describeIntrospection } from "./introspection-cases.ts";
import { describeJobs } from "./jobs-cases.ts";
import { describeOutputs } from "./outputs-cases.ts";
import { describePartnerKey } from "./partner-key-cases.ts";
import { describePictures } from "./pictures-cases.ts";
import { describePreviews } from "./preview-cases.ts";
import { describeProcess } from "./process-cases.ts";
import { describePrompt } from "./prompt-cases.ts";
import { describeQueue } from "./queue-cases.ts";
import { describeRunEvents } from "./run-events-cases.ts";
import { describeSampler } from "./sampler-cases.ts";
import { describeSocket } from "./socket-cases.ts";
import { describeStalledClient } from "./stalled-client-cases.ts";
import { startTarget, type Target } from "./target.ts";
import { describeTwins } from "./twin-cases.ts";
import { targetKind } from "../../support/comfy-target.ts";
import { describeUploads } from "./uploads-cases.ts";
import { describeUserData } from "./user-data-cases.ts";
import { describeValidation } from "./validation-cases.ts";
import { describeVideo } from "./video-cases.ts";

const kind = targetKind();
/** The limit that the suite sets, so that a body over it is quickly made. */
const MAX_UPLOAD_MB = 1;
const START_TIMEOUT_MS = 1_300_000;

describe(`ComfyUI's wire (${kind})`, () => {
  let server: StartedComfy | undefined;
  const target: Target = {
    kind,
    server: () => {
      if (server === undefined) throw new Error("Cannot use the server: it has not started");
      return server;
    },
  };
  beforeAll(async () => {
    const args = ["--max-upload-size", String(MAX_UPLOAD_MB)];
    server = await startTarget({ args, tinyUnet: kind === "real", partnerNode: true });
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    await server?.stop();
  }, 30_000);

  // Before any upload, because lists of files stand in some answers.
  describeIntrospection(target);
  describeValidation(target);
  describePrompt(target);
  describePartnerKey(target);
  describeQueue(target);
  describeJobs(target);
  describeHistory(target);
  describeUploads(target);
  describeFiles(target);
  describeSocket(target);
  describeRunEvents(target);
  describeOutputs(target);
  describePictures(target);
  describeInternal(target);
  describeAssets(target);
  describeUserData(target);
  describeBehaviour(target);
  // The stand-in refuses the sampler's classes, as it says in its answer to missing_node_type.
  if (kind === "real") describeSampler(target);
  describePreviews(target);
  describeStalledClient(target);
  describeTwins(target);
  describeVideo(target);
  describeProcess(target);
  describeCoverage();
});

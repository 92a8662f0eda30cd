/**
 * `comfyfleet/client`: run services and ComfyUI workflows on a fleet.
 *
 * @example
 * const fleet = createFleet({ baseUrl: "http://127.0.0.1:8080", apiKey: process.env.COMFYFLEET_KEY });
 * const { outputs } = await fleet.run(workflow, { "3.text": "a cat" });
 * for (const output of outputs) await output.save("./");
 * await fleet.run("fastwan2.2-5b", { prompt: "a ladybug", image: file("./leaf.png") });
 * @module
 */
export { type Assets, file, Upload, type UploadOptions } from "./assets.ts";
export type { ConnectionOptions } from "./connection.ts";
export { createFleet, type Fleet, type FleetOptions, type RunOptions } from "./create-fleet.ts";
export type { Dial, DialedSocket } from "./dial.ts";
export { createPodClient, type DirectPod, type PodClientOptions } from "./direct-pod.ts";
export type { JobHandle, JobResult, RetryOptions } from "./job-handle.ts";
export type { PodClient, PodLogsOptions } from "./pod.ts";
export type { OutputFile } from "./output-file.ts";
export type { ServiceInputs } from "./service-input.ts";
export type { InputValue, InputValues } from "./set-inputs.ts";
export type { EventsOptions, WatchedEvent } from "./watch-events.ts";
export type { WatchOptions } from "./watch-job.ts";
export { ERROR_CODES, type ErrorCode, FleetError } from "../contracts/errors.ts";
export type { ComfyReport, LogEvent, LogLine } from "../contracts/agent/comfy.ts";
export type { AuditEntry } from "../contracts/audit.ts";
export type { Asset, Output } from "../contracts/asset.ts";
export type { JobEvent } from "../contracts/event.ts";
export type { FleetEvent, LifecycleEvent } from "../contracts/fleet-event.ts";
export type { Job, JobError, Priority } from "../contracts/job.ts";
export type { Metadata } from "../contracts/metadata.ts";
export type { Pod } from "../contracts/pod.ts";
export type { Progress } from "../contracts/progress.ts";
export type { Receipt } from "../contracts/receipt.ts";
export { findService, requireService, SERVICE_IDS, type ServiceId } from "../contracts/services/registry.ts";
export type { SystemInfo } from "../contracts/system.ts";
export type { Workflow } from "../contracts/workflow.ts";

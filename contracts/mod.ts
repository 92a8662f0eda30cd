/**
 * `comfyfleet/contracts`: the schemas, types, error codes and routers that the edge, the agent and clients share.
 * @module
 */
export * from "./asset.ts";
export * from "./attempt.ts";
export * from "./audit.ts";
export * from "./errors.ts";
export * from "./event.ts";
export * from "./fleet-event.ts";
export * from "./ids.ts";
export * from "./job-state.ts";
export * from "./job.ts";
export * from "./metadata.ts";
export * from "./page.ts";
export * from "./pod.ts";
export * from "./progress.ts";
export * from "./protocol.ts";
export * from "./receipt.ts";
export * from "./services/compile.ts";
export * from "./services/parse-input.ts";
export * from "./services/registry.ts";
export * from "./services/service.ts";
export * from "./services/spec.ts";
export * from "./services/views.ts";
export * from "./system.ts";
export * from "./tenant.ts";
export * from "./workflow-parse.ts";
export * from "./workflow.ts";
export { assetContentPath, assetUploadPath, EDGE_ROUTES } from "./edge/routes.ts";
export type { EdgeRouter } from "./edge/router.ts";
export type { GpuReading, GpuSample, GpuState, GpuVerdict } from "./agent/gpu.ts";
export type { AgentRouter } from "./agent/router.ts";

/**
 * Every word for machines that is recorded of a ComfyUI: in its status and so in the pod's `ComfyReady` condition, in the
 * agent's log, and in the journal of generations. `docs/operations.md` has each of them.
 */

/** Why one is used no more, or is to be started anew. */
export const END_REASONS = [
  ...["AgentFailed", "AnotherProcess", "CancelNotObeyed", "Crashed", "EarlierRun", "FatalPythonError"],
  ...["GoneWhileAgentWasDown", "GpuFault", "GpuMemoryFloor", "MemoryLimit", "NoProgress", "NoSocket", "NotAdopted"],
  ...["NotRunning", "OperatorRestart", "PortInUse", "SocketDeaf", "SpawnFailed", "StartDeadlineExceeded", "Stopped"],
  ...["Unreachable", "Unresponsive", "WorkerDied"],
] as const;
export type EndReason = typeof END_REASONS[number];

/** Where one is that has nothing wrong with it. */
export const CALM_REASONS = [
  ...["Adopted", "Adopting", "Attached", "Connecting", "NotStarted", "Ready", "Starting", "Stopping"],
] as const;
export type StatusReason = EndReason | typeof CALM_REASONS[number];

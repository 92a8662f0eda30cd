// The routes and messages that ComfyUI v0.33.0 is known to have. The suite must have tried each; see coverage-cases.ts.

const TWICE = [
  ...["GET /prompt", "POST /prompt", "GET /queue", "POST /queue", "POST /interrupt", "POST /free"],
  ...["GET /history", "GET /history/:id", "POST /history"],
  ...["GET /view", "POST /upload/image", "POST /upload/mask"],
  ...["GET /object_info", "GET /object_info/:class", "GET /system_stats", "GET /features"],
  ...["GET /models", "GET /models/:folder", "GET /experiment/models", "GET /experiment/models/:folder"],
  ...["GET /embeddings", "GET /view_metadata/:folder", "GET /extensions"],
  ...["GET /userdata", "GET /v2/userdata", "GET /userdata/:file", "POST /userdata/:file", "DELETE /userdata/:file"],
  ...["POST /userdata/:file/move/:dest", "GET /users", "POST /users"],
  ...["GET /settings", "GET /settings/:id", "POST /settings", "POST /settings/:id"],
  ...["GET /workflow_templates", "GET /i18n", "GET /node_replacements"],
  ...["GET /global_subgraphs", "GET /global_subgraphs/:id", "GET /", "GET /ws"],
];

const ONCE = [
  ...["GET /api/jobs", "GET /api/jobs/:id", "POST /api/jobs/:id/cancel", "POST /api/jobs/cancel"],
  ...["GET /internal/logs", "GET /internal/logs/raw", "PATCH /internal/logs/subscribe"],
  ...["GET /internal/folder_paths", "GET /internal/files/:type"],
  ...["GET /api/assets", "POST /api/assets", "GET /api/assets/hash/:hash", "POST /api/assets/from-hash"],
  ...["GET /api/assets/:id", "PUT /api/assets/:id", "DELETE /api/assets/:id", "GET /api/assets/:id/content"],
  ...["POST /api/assets/:id/tags", "DELETE /api/assets/:id/tags", "GET /api/assets/tags/refine", "GET /api/tags"],
  ...["POST /api/assets/seed", "GET /api/assets/seed/status", "POST /api/assets/seed/cancel", "POST /api/assets/prune"],
];

/** `METHOD /path/:parameter`; what exists under `/api` too stands here twice. */
export const DOCUMENTED_ROUTES: readonly string[] = [
  ...TWICE,
  ...TWICE.map((route) => route.replace(" ", " /api")),
  ...ONCE,
];

/** Types of text frames, and event numbers of binary frames: a bare preview, a node's text, a preview with its node. */
export const DOCUMENTED_MESSAGES: readonly string[] = [
  ...["status", "feature_flags", "logs"],
  ...["execution_start", "execution_cached", "executing", "progress", "progress_state", "executed"],
  ...["execution_success", "execution_error", "execution_interrupted"],
  ...["binary 1", "binary 3", "binary 4"],
];

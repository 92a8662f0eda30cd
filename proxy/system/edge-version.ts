/** Version of this edge, as it tells callers; the same as the package's. */
export const EDGE_VERSION = "0.1.0";

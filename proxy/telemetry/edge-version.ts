/** Version of this edge, as its spans name it; the same as the package's. */
export const EDGE_VERSION = "0.1.0";

/** Version of this agent, as it tells edges; the same as the package's. */
export const AGENT_VERSION = "0.1.0";

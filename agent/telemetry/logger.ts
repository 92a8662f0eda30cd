/** The logger every part of the agent is given: constant messages, data beside them, a component tag. */
export interface Logger {
  debug(message: string, data?: Record<string, unknown>): void;
  info(message: string, data?: Record<string, unknown>): void;
  warn(message: string, data?: Record<string, unknown>): void;
  error(message: string, data?: Record<string, unknown>): void;
  /** A logger whose lines carry `component` and, when given, further fields. */
  child(component: string, data?: Record<string, unknown>): Logger;
}

/** The faults that are armed now, and the moments at which the server asks them. */
import type { Json } from "../python.ts";
import type { Armed, Fault, FaultSurface, NodeMoment, OutgoingMessage } from "./fault.ts";
import { FAULTS } from "./registry.ts";

/** A fault that cannot be armed: unknown, or with an argument it does not take. */
export class FaultError extends Error {}

interface Entry {
  readonly fault: Fault;
  readonly armed: Armed;
  readonly clear: () => void;
}

/** The set of armed faults; one entry per name. */
export class ArmedFaults {
  readonly #surface: FaultSurface;
  readonly #entries = new Map<string, Entry>();
  #ready = false;

  constructor(surface: FaultSurface) {
    this.#surface = surface;
  }

  /** Arms `NAME` or `NAME=ARG`. @throws {FaultError} */
  armText(text: string): void {
    const equals = text.indexOf("=");
    this.arm(equals < 0 ? text : text.slice(0, equals), equals < 0 ? null : text.slice(equals + 1));
  }

  /** Arms a fault, in place of one of the same name. @throws {FaultError} */
  arm(name: string, argument: string | null): void {
    const fault = FAULTS.get(name);
    if (fault === undefined) {
      throw new FaultError(`Cannot arm the fault "${name}": it is unknown. Known: ${[...FAULTS.keys()].join(", ")}`);
    }
    const refusal = fault.refuses(argument);
    if (refusal !== null) throw new FaultError(`Cannot arm the fault "${name}": ${refusal}`);
    this.clear(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    const armed = { argument, surface: this.#surface, cleared: promise };
    this.#entries.set(name, { fault, armed, clear: resolve });
    if (this.#ready) fault.whenReady?.(armed);
  }

  /** Takes one fault back, or all; whoever it held goes on. */
  clear(name?: string): void {
    for (const [key, entry] of [...this.#entries]) {
      if (name !== undefined && key !== name) continue;
      this.#entries.delete(key);
      entry.clear();
    }
  }

  list(): { name: string; argument: string | null }[] {
    return [...this.#entries.values()].map(({ fault, armed }) => ({ name: fault.name, argument: armed.argument }));
  }

  /** True while any fault is armed; the hot paths ask nothing else otherwise. */
  get any(): boolean {
    return this.#entries.size > 0;
  }

  beforeListen(): void {
    for (const { fault, armed } of this.#entries.values()) fault.beforeListen?.(armed);
  }

  ready(): void {
    this.#ready = true;
    for (const { fault, armed } of this.#entries.values()) fault.whenReady?.(armed);
  }

  async beforeRequest(): Promise<void> {
    for (const { fault, armed } of [...this.#entries.values()]) await fault.beforeRequest?.(armed);
  }

  async beforeValidation(): Promise<void> {
    for (const { fault, armed } of [...this.#entries.values()]) await fault.beforeValidation?.(armed);
  }

  hides(path: string): boolean {
    for (const { fault } of this.#entries.values()) if (fault.hides?.(path)) return true;
    return false;
  }

  beforeTake(): void {
    for (const { fault, armed } of this.#entries.values()) fault.beforeTake?.(armed);
  }

  async runStarts(): Promise<void> {
    for (const { fault, armed } of [...this.#entries.values()]) await fault.runStarts?.(armed);
  }

  async nodeStarts(moment: NodeMoment): Promise<void> {
    for (const { fault, armed } of [...this.#entries.values()]) await fault.nodeStarts?.(armed, moment);
  }

  passes(message: OutgoingMessage): boolean {
    for (const { fault, armed } of this.#entries.values()) if (fault.passes?.(armed, message) === false) return false;
    return true;
  }

  losesCancel(): boolean {
    for (const { fault, armed } of this.#entries.values()) if (fault.losesCancel?.(armed)) return true;
    return false;
  }

  forgets(promptId: string): boolean {
    for (const { fault, armed } of this.#entries.values()) if (fault.forgets?.(armed, promptId)) return true;
    return false;
  }

  cachedShown(shown: Json): void {
    for (const { fault, armed } of this.#entries.values()) fault.cachedShown?.(armed, shown);
  }
}

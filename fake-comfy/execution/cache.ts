/** Node outputs kept between prompts, by signature, under one of ComfyUI's policies. */
import type { Value } from "../nodes/node-class.ts";
import type { CachePolicy } from "../options.ts";
import type { JsonObject } from "../python.ts";

/** What a node produced. */
export interface CacheEntry {
  readonly outputs: readonly Value[];
  /** What was shown, with the id of the node that first produced it; null for nodes that show nothing. */
  readonly ui: { readonly meta: JsonObject; readonly output: JsonObject } | null;
}

/** The cache of one server. */
export class OutputCache {
  readonly #policy: CachePolicy;
  readonly #entries = new Map<string, { entry: CacheEntry; usedIn: number }>();
  #prompt = 0;

  constructor(policy: CachePolicy) {
    this.#policy = policy;
  }

  /** Starts a prompt that consists of nodes with these signatures, and forgets what the policy does not keep. */
  beginPrompt(signatures: ReadonlySet<string>): void {
    this.#prompt++;
    for (const signature of signatures) this.#touch(signature);
    if (this.#policy.kind === "last") this.#keepOnly((signature) => signatures.has(signature));
    if (this.#policy.kind === "lru") this.#shrink(this.#policy.size);
  }

  /** After each node: outputs that the running prompt does not use go while too little memory is free. */
  relieve(freeBytes: number): void {
    if (this.#policy.kind !== "ram" || freeBytes >= this.#policy.keepFreeBytes) return;
    this.#keepOnly((signature) => this.#entries.get(signature)?.usedIn === this.#prompt);
  }

  get(signature: string): CacheEntry | undefined {
    this.#touch(signature);
    return this.#entries.get(signature)?.entry;
  }

  set(signature: string, entry: CacheEntry): void {
    if (this.#policy.kind !== "none") this.#entries.set(signature, { entry, usedIn: this.#prompt });
  }

  clear(): void {
    this.#entries.clear();
  }

  #touch(signature: string): void {
    const slot = this.#entries.get(signature);
    if (slot !== undefined) slot.usedIn = this.#prompt;
  }

  /** Drops whole generations, oldest first, until few enough are left; the running prompt's are never dropped. */
  #shrink(size: number): void {
    const generations = [...new Set([...this.#entries.values()].map((slot) => slot.usedIn))].sort((a, b) => a - b);
    for (const generation of generations) {
      if (this.#entries.size <= size || generation === this.#prompt) return;
      this.#keepOnly((signature) => this.#entries.get(signature)?.usedIn !== generation);
    }
  }

  #keepOnly(keeps: (signature: string) => boolean): void {
    for (const signature of [...this.#entries.keys()]) if (!keeps(signature)) this.#entries.delete(signature);
  }
}

/** Validates one output node and everything it depends on. */
import type { Directories } from "../directories.ts";
import type { NodeClass } from "../nodes/node-class.ts";
import { isJsonObject, type Json, type JsonObject, PyError, pyRepr, pyTypeName } from "../python.ts";
import type { Graph } from "../queue/prompt-queue.ts";
import { checkConstant } from "./constant.ts";
import {
  badLinkedInput,
  customValidationFailed,
  dependencyCycle,
  exceptionDuringInnerValidation,
  type PromptError,
  type Received,
  requiredInputMissing,
  returnTypeMismatch,
} from "./errors.ts";
import { effectiveInputs } from "./inputs.ts";

/** What is known about a node after its validation. */
export interface Verdict {
  valid: boolean;
  /** Its own errors; a node that is invalid only because of one upstream has none. */
  errors: PromptError[];
}

/** Validates nodes of one graph; each is looked at once. Constants are coerced in the graph itself. */
export class NodeValidator {
  readonly #graph: Graph;
  readonly #classes: ReadonlyMap<string, NodeClass>;
  readonly #directories: Directories;
  /** Verdicts so far, in the order in which they were reached. */
  readonly verdicts = new Map<string, Verdict>();
  readonly #visiting: string[] = [];

  constructor(graph: Graph, environment: { classes: ReadonlyMap<string, NodeClass>; directories: Directories }) {
    this.#graph = graph;
    this.#classes = environment.classes;
    this.#directories = environment.directories;
  }

  /** @throws {PyError} for a graph that Python trips over, for example a link to a node that does not exist */
  validate(nodeId: string): Verdict {
    const known = this.verdicts.get(nodeId);
    if (known !== undefined) return known;
    if (this.#visiting.includes(nodeId)) return this.#cycle(nodeId);
    const node = this.#nodeOf(nodeId);
    const given = node["inputs"];
    if (!isJsonObject(given)) throw new PyError("KeyError", "'inputs'");
    const nodeClass = this.#classOf(nodeId);
    const errors: PromptError[] = [];
    let upstreamValid = true;
    for (const [name, spec] of effectiveInputs(nodeClass, given)) {
      if (!Object.hasOwn(given, name)) {
        errors.push(requiredInputMissing(name));
        continue;
      }
      const received: Received = { name, spec, value: given[name] ?? null };
      if (Array.isArray(received.value)) {
        const error = this.#link(nodeId, received, received.value);
        if (error === "upstream") upstreamValid = false;
        else if (error !== null) errors.push(error);
        continue;
      }
      const ranges = !nodeClass.validatedInputs.includes(name);
      const checked = checkConstant(name, spec, { value: received.value, ranges });
      given[name] = checked.value;
      if (checked.error !== null) errors.push(checked.error);
    }
    errors.push(...this.#custom(nodeClass, given));
    return this.#settle(nodeId, upstreamValid, errors);
  }

  #settle(nodeId: string, upstreamValid: boolean, errors: PromptError[]): Verdict {
    const earlier = this.verdicts.get(nodeId) ?? { valid: true, errors: [] };
    const verdict = {
      valid: earlier.valid && upstreamValid && errors.length === 0,
      errors: [...earlier.errors, ...errors],
    };
    this.verdicts.set(nodeId, verdict);
    return verdict;
  }

  #link(nodeId: string, received: Received, link: Json[]): PromptError | "upstream" | null {
    if (link.length !== 2) return badLinkedInput(received);
    const [source = null, slot = null] = link;
    const sourceId = this.#sourceId(source);
    const receivedType = outputType(this.#classOf(sourceId), slot);
    if (!typesMeet(receivedType, received.spec.type)) return returnTypeMismatch(received, receivedType);
    this.#visiting.push(nodeId);
    try {
      return this.validate(sourceId).valid ? null : "upstream";
    } catch (error) {
      if (!(error instanceof PyError)) throw error;
      this.verdicts.set(sourceId, { valid: false, errors: [exceptionDuringInnerValidation(received, error)] });
      return "upstream";
    } finally {
      this.#visiting.pop();
    }
  }

  #custom(nodeClass: NodeClass, given: JsonObject): PromptError[] {
    const { validate } = nodeClass;
    if (validate === undefined) return [];
    return nodeClass.validatedInputs.flatMap((name) => {
      const value = given[name];
      if (value === undefined) {
        const call = `${nodeClass.name}.VALIDATE_INPUTS()`;
        throw new PyError("TypeError", `${call} missing 1 required positional argument: '${name}'`);
      }
      const result = validate(Array.isArray(value) ? null : value, this.#directories);
      return result === true ? [] : [customValidationFailed(name, result)];
    });
  }

  #cycle(nodeId: string): Verdict {
    const path = [...this.#visiting.slice(this.#visiting.indexOf(nodeId)), nodeId];
    const nodes = [...new Set(path)];
    const shown = path.map((id) => `${id} (${this.#classOf(id).name})`).join(" -> ");
    for (const id of nodes) {
      this.verdicts.set(id, { valid: false, errors: [dependencyCycle(id, { nodes, path: shown })] });
    }
    return this.verdicts.get(nodeId) ?? { valid: false, errors: [] };
  }

  #sourceId(source: Json): string {
    if (typeof source === "string" && Object.hasOwn(this.#graph, source)) return source;
    if (typeof source === "object" && source !== null) {
      throw new PyError("TypeError", `unhashable type: '${pyTypeName(source)}'`);
    }
    throw new PyError("KeyError", pyRepr(source));
  }

  #nodeOf(nodeId: string): JsonObject {
    const node = this.#graph[nodeId];
    return isJsonObject(node) ? node : {};
  }

  #classOf(nodeId: string): NodeClass {
    const name = this.#nodeOf(nodeId)["class_type"];
    const nodeClass = typeof name === "string" ? this.#classes.get(name) : undefined;
    if (nodeClass === undefined) throw new PyError("KeyError", pyRepr(name ?? null));
    return nodeClass;
  }
}

function outputType(nodeClass: NodeClass, slot: Json): string {
  const kind = nodeClass.outputsKind;
  if (typeof slot !== "number" && typeof slot !== "boolean") {
    const name = kind === "tuple" ? "tuple indices" : "list indices";
    throw new PyError("TypeError", `${name} must be integers or slices, not ${pyTypeName(slot)}`);
  }
  const type = nodeClass.outputs.at(Number(slot));
  if (type === undefined) throw new PyError("IndexError", `${kind} index out of range`);
  return type;
}

function typesMeet(received: string, wanted: string | readonly string[]): boolean {
  if (received === "*" || wanted === "*") return true;
  if (typeof wanted !== "string") return false;
  const names = wanted.split(",").map((name) => name.trim());
  return received.split(",").some((name) => names.includes(name.trim()));
}

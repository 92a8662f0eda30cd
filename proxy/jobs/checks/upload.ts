/**
 * Inputs that read a file of the pod's input folder must be asset references: that folder holds the files of every
 * tenant the pod works for, so a plain name (or a link that could carry one) would read somebody else's.
 */
import { NodeErrors } from "../../../contracts/node-errors.ts";
import { isAssetReference, type JsonValue, type Workflow } from "../../../contracts/workflow.ts";

/** Core inputs that read files: those without the page's upload flag, and all of them while no `/object_info` is known. */
const FILE_INPUTS: Readonly<Record<string, readonly string[]>> = {
  LoadImage: ["image"],
  LoadImageMask: ["image"],
  LoadImageOutput: ["image"],
  LoadAudio: ["audio"],
  LoadVideo: ["file"],
  LoadLatent: ["latent"],
  Load3D: ["model_file"],
  Load3DAdvanced: ["model_file"],
  Painter: ["mask"],
  WebcamCapture: ["image"],
};

/** Values that mean "no file". */
const NO_FILE: ReadonlySet<unknown> = new Set(["", "none"]);

export const UPLOAD_HINT =
  "Upload the file and refer to it by an asset reference; the command line does both: --input NODE.INPUT=@FILE.";

export function readsFile(classType: string, input: string): boolean {
  return Object.hasOwn(FILE_INPUTS, classType) && (FILE_INPUTS[classType]?.includes(input) ?? false);
}

/** Why `value` cannot stand for an input that reads a file, or null. */
export function uploadProblem(value: JsonValue | undefined): string | null {
  if (value === undefined || isAssetReference(value) || NO_FILE.has(value)) return null;
  if (Array.isArray(value)) return "It reads a file, so it must be an asset reference and cannot be linked";
  const named = typeof value === "string" ? `It names a file ('${value.slice(0, 100)}')` : "It reads a file";
  return `${named}; files are uploaded first and referred to as assets`;
}

/** What can be said without any `/object_info`. */
export function knownUploadProblems(workflow: Workflow): NodeErrors {
  const nodeErrors = new NodeErrors();
  for (const [nodeId, { class_type, inputs }] of Object.entries(workflow)) {
    for (const [field, value] of Object.entries(inputs)) {
      const reason = readsFile(class_type, field) ? uploadProblem(value) : null;
      if (reason !== null) nodeErrors.add(nodeId, { field, reason });
    }
    if (nodeErrors.isFull) break;
  }
  return nodeErrors;
}

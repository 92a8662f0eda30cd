// The example workflows, and what the path tests change in them.
import { readFile } from "node:fs/promises";
import type { JobEvent } from "../../contracts/event.ts";
import type { ProgressEvent } from "../../contracts/event.ts";
import type { Workflow } from "../../contracts/workflow.ts";
import { readRecorded, RECORDED } from "../support/real-comfy/recordings.ts";

export async function exampleWorkflow(name: string): Promise<Workflow> {
  const text = await readFile(new URL(`../fixtures/workflows/${name}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as Workflow;
}

/** A graph that was recorded, with the names of the PNGs it gave, in order. */
export async function recordedWorkflow(name: string): Promise<{ workflow: Workflow; files: string[] }> {
  const { recordings } = await readRecorded("manifest.json");
  const found = recordings.find((recording) => recording.name === name);
  if (found === undefined) throw new Error(`nothing was recorded as '${name}'`);
  return { workflow: found.graph as Workflow, files: found.outputs.map(({ file }) => file) };
}

export async function sourcePicture(name: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(new URL(`inputs/${name}`, RECORDED)));
}

export async function eventsOf(job: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of job) events.push(event);
  return events;
}

export function progressOf(events: readonly JobEvent[]): ProgressEvent["progress"][] {
  return events.flatMap((event) => event.type === "progress" ? [event.progress] : []);
}

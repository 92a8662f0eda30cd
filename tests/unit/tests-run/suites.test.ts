/** Every file of tests is run by exactly one suite: what vitest.config.ts sorts by name must not lose one that is renamed. */
import { globSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { gpuSuites, npmSuites, realSuites, tailnetSuites } from "../../run/suites.ts";
import config from "../../../vitest.config.ts";

const Project = z.object({
  test: z.object({ name: z.string(), include: z.array(z.string()), exclude: z.array(z.string()) }),
});
const projects = z.object({ test: z.object({ projects: z.array(Project) }) }).parse(config).test.projects
  .map(({ test }) => test);

function filesOf({ include, exclude }: (typeof projects)[number]): string[] {
  const left = new Set(globSync(exclude));
  return globSync(include).filter((path) => !left.has(path));
}

function isOf(pattern: string, project: string): boolean {
  return pattern.endsWith("*") ? project.startsWith(pattern.slice(0, -1)) : project === pattern;
}

describe("the projects of vitest.config.ts", () => {
  it("have each file of tests in exactly one of them", () => {
    expect(projects.flatMap(filesOf).toSorted()).toEqual(globSync("tests/**/*.test.ts").toSorted());
  });

  it.each(projects)("$name: each of its patterns names a file that is there", ({ include, exclude }) => {
    expect([...include, ...exclude].filter((pattern) => globSync(pattern).length === 0)).toEqual([]);
  });

  it("are each run whole by exactly one suite of the commands", () => {
    const whole = [...npmSuites.flat(), ...realSuites, ...tailnetSuites.flat(), ...gpuSuites]
      .filter(({ filters }) => filters === undefined);
    const runs = projects.map(({ name }) => [name, whole.filter(({ project }) => isOf(project, name)).length]);
    expect(runs).toEqual(projects.map(({ name }) => [name, 1]));
  });
});

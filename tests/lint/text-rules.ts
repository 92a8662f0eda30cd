/**
 * Rules about texts that no linter of TypeScript sees: scripts, documents, container files, the lock file.
 * Pure functions over a path relative to the repository root and the file's text.
 */

interface TextRule {
  name: string;
  /** Which files it reads. */
  applies(path: string): boolean;
  /** The problem of one line, or `undefined`. */
  lineProblem(line: string, path: string): string | undefined;
}

const anyFile = () => true;
const isCode = (path: string) => /\.(?:ts|tsx)$/.test(path);

/** `-A` alone or among Deno's other short flags, as in `-qA`; the letters are Deno's, so that `-And` is no flag. */
const allPermissions =
  /(?:^|[\s"'`=([,|])-[ceqrtLRWINESP]*A[ceqrtLARWINESP]*(?![\w-])|--allow-all\b|--allow-run\b|--permission-set\b/;
/** `-P` means something else to other programs, so it counts only after `deno`. */
const permissionSet = /\bdeno\b.*[\s"'`=([,|]-[ceqrtLRWINES]*P[ceqrtLRWINESP]*(?![\w-])/;
/** A test may say in one statement that a flag is absent; what stands before `.not.` is still read. */
const absence = /^(\s*expect\([^;]*\))\.not\.(?:toContain|toMatch)\([^;]*\);$/;
const registryHosts =
  /\b(?:registry\.(?:npmjs|yarnpkg|npmmirror)\.|npm\.jsr\.io|(?:test\.)?pypi\.org|pythonhosted\.org|proxy\.golang\.org|deb\.debian\.org)/;
const registrySettings = /^\s*registry\s*=|--registry[ =]|--(?:extra-)?index-url\b/;
const machinePath = /(?:^|[^\w.}$-])\/(?:work(?![\w-])|root\/)/;
const directive = /\b(?:oxlint|eslint)-disable|@ts-(?:ignore|nocheck|expect-error)\b/;

const rules: readonly TextRule[] = [
  {
    name: "all-permissions",
    applies: anyFile,
    lineProblem: (line, path) => {
      const read = path.startsWith("tests/") ? line.replace(absence, "$1") : line;
      return allPermissions.test(read) || permissionSet.test(read)
        ? "Deno is never given all permissions, nor the one to run programs, nor a set of them by name"
        : undefined;
    },
  },
  {
    name: "permission-key",
    applies: (path) => /(?:^|\/)deno\.jsonc?$/.test(path),
    lineProblem: (line) =>
      /\bpermissions\b|\\u00/.test(line)
        ? "deno.json grants no permissions: proxy/deno-flags.json is where they stand"
        : undefined,
  },
  {
    name: "registry-host",
    applies: anyFile,
    lineProblem: (line) =>
      registryHosts.test(line) || registrySettings.test(line)
        ? "no file names a package registry: the user's own settings say where packages come from"
        : undefined,
  },
  {
    name: "machine-path",
    applies: anyFile,
    lineProblem: (line) => machinePath.test(line) ? "no file names a folder of one machine" : undefined,
  },
  {
    name: "lock-resolved",
    applies: (path) => path === "package-lock.json",
    lineProblem: (line) =>
      /"resolved":/.test(line) ? "the lock file carries addresses; install with the settings in .npmrc" : undefined,
  },
  {
    name: "checks-stay-on",
    applies: isCode,
    lineProblem: (line) =>
      directive.test(line) && (!/ -- \S/.test(line) || line.includes("comfyfleet/"))
        ? 'a check is switched off only with a reason after " -- ", and our own rules never'
        : undefined,
  },
];

/** The longest that AGENTS.md may be, in lines. */
const agentsMaxLines = 150;

/** Problems of one file as "path:line: rule: message". */
export function textProblems(path: string, text: string): string[] {
  const lines = text.split("\n");
  const problems = rules.filter((rule) => rule.applies(path)).flatMap((rule) =>
    lines.flatMap((line, index) => {
      const problem = rule.lineProblem(line, path);
      return problem === undefined ? [] : [`${path}:${index + 1}: ${rule.name}: ${problem}`];
    })
  );
  const lineCount = text.endsWith("\n") ? lines.length - 1 : lines.length;
  if (path === "AGENTS.md" && lineCount > agentsMaxLines) {
    problems.push(`${path}: agents-length: ${lineCount} lines, at most ${agentsMaxLines} are read`);
  }
  return problems;
}

/** Problems that only the whole tree shows: Deno's permission flags stand in one file, and documents show them from there. */
export function treeProblems(files: ReadonlyMap<string, string>): string[] {
  const owners = [...files].filter(([path, text]) =>
    !path.endsWith(".md") && !path.startsWith("tests/") && /--allow-[a-z]/.test(text)
  ).map(([path]) => path);
  return owners.length > 1 ? [`deno-flags: one file holds Deno's permission flags, not ${owners.join(" and ")}`] : [];
}

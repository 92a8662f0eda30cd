/**
 * The rule `runtime-globals`: `Deno` only in *.deno.ts, `process` only in entry points, *.deno.ts and *.node.ts, cli/ and
 * tests/. Everything else is given what it needs, so that it runs on both runtimes and under test. The ways around a plain
 * list of names are closed too: `node:process`, `globalThis`, `global` and `self`, local declarations of the names, and
 * everywhere the property `constructor`: that of any function makes code out of text, which no rule can read. `eval` and
 * `Function` have rules of their own.
 */
import { posix } from "node:path";
import { literalText, relativePath, type Rule, type RuleContext, type SyntaxNode } from "./syntax.ts";

const globalObjects: ReadonlySet<string> = new Set(["globalThis", "global", "self"]);
const loaders: ReadonlySet<string> = new Set(["require", "module"]);
const processModules: ReadonlySet<string> = new Set(["process", "node:process"]);
/** They load or evaluate what no rule sees. */
const loaderModules: ReadonlySet<string> = new Set(["module", "node:module", "vm", "node:vm"]);

function mayUse(path: string, name: string): boolean {
  if (name === "Deno") return path.endsWith(".deno.ts");
  if (!path.includes("/") || path.startsWith("cli/") || path.startsWith("tests/")) return true;
  return /\.(?:deno|node)\.ts$/.test(path) || /^main(?:[-.]|$)/.test(posix.basename(path));
}

/** See the module's header. */
export const runtimeGlobals: Rule = {
  create(context) {
    const path = relativePath(context);
    const refuse = (node: SyntaxNode, name: string) => {
      if (mayUse(path, name)) return;
      const where = name === "Deno" ? "*.deno.ts" : "main*.ts, *.deno.ts, *.node.ts, cli/ and tests/";
      context.report({ node, message: `${name} is used only in ${where}; elsewhere it is passed in` });
    };
    const checkModule = (node: SyntaxNode) => {
      const name = literalText(node.source);
      if (name === undefined) return;
      if (processModules.has(name)) refuse(node, "process");
      if (loaderModules.has(name)) refuse(node, "process");
    };
    return {
      ImportDeclaration: checkModule,
      ExportNamedDeclaration: checkModule,
      ExportAllDeclaration: checkModule,
      ImportExpression: checkModule,
      TSImportType: checkModule,
      MemberExpression: (node) => checkConstructor(context, node, memberName(node)),
      Property: (node) => {
        if (node.parent?.type === "ObjectPattern") checkConstructor(context, node, keyName(node));
      },
      VariableDeclaration: (node) => checkDeclaration(node, refuse),
      "Program:exit": () => checkReferences(context, refuse),
    };
  },
};

function checkConstructor(context: RuleContext, node: SyntaxNode, name: string | undefined): void {
  if (name !== "constructor") return;
  context.report({ node, message: "constructor is not read: that of a function makes code out of text" });
}

function memberName(node: SyntaxNode): string | undefined {
  return node.computed === true ? literalText(node.property) : node.property?.name;
}

function keyName(node: SyntaxNode): string | undefined {
  return literalText(node.key) ?? (node.computed === true ? undefined : node.key?.name);
}

type Refuse = (node: SyntaxNode, name: string) => void;

/** A declared `Deno` or `process` would hide the use of the real one: from this rule and from the type checker. */
function checkDeclaration(node: SyntaxNode, refuse: Refuse): void {
  for (const { id } of node.declarations ?? []) {
    const name = id?.name;
    if (id && (name === "Deno" || (name === "process" && isAmbient(node)))) refuse(node, name);
  }
}

function isAmbient(node: SyntaxNode): boolean {
  if (node.declare === true) return true;
  const outer = node.parent?.parent;
  return outer?.type === "TSModuleDeclaration" || outer?.type === "TSGlobalDeclaration";
}

function checkReferences(context: RuleContext, refuse: Refuse): void {
  const scope = context.sourceCode.scopeManager.globalScope;
  if (scope === null) return;
  const references = [...scope.through, ...scope.variables.flatMap((variable) => variable.references)];
  for (const { identifier } of references) {
    const name = identifier.name ?? "";
    if (name === "Deno" || name === "process") refuse(identifier, name);
    else if (loaders.has(name)) refuse(identifier, "process");
    else if (globalObjects.has(name)) checkGlobalObject(identifier, refuse);
  }
}

/** `globalThis.fetch` is fine; a bare, computed or destructured global object may be either name, so it counts as both. */
function checkGlobalObject(identifier: SyntaxNode, refuse: Refuse): void {
  const parent = identifier.parent;
  const isTypeQuery = parent?.type === "TSTypeQuery" || parent?.type === "TSQualifiedName";
  if (isTypeQuery) return;
  if (parent?.type === "MemberExpression" && parent.object === identifier) {
    const property = memberName(parent);
    if (property !== undefined && property !== "Deno" && property !== "process" && !globalObjects.has(property)) return;
    if (property === "Deno" || property === "process") return refuse(parent, property);
  }
  refuse(identifier, "process");
}

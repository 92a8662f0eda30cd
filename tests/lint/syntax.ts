/** The part of the linter's plugin interface and syntax tree that our rules touch; oxlint publishes no types for it. */

/** A node of the tree, with the properties that the rules read. */
export interface SyntaxNode {
  type: string;
  name?: string;
  value?: unknown;
  computed?: boolean;
  declare?: boolean;
  object?: SyntaxNode;
  property?: SyntaxNode;
  key?: SyntaxNode;
  quasis?: { value: { cooked?: string | null } }[];
  source?: SyntaxNode | null;
  expression?: SyntaxNode;
  callee?: SyntaxNode;
  id?: SyntaxNode | null;
  declarations?: SyntaxNode[];
  parent?: SyntaxNode | null;
}

interface Variable {
  name: string;
  references: { identifier: SyntaxNode }[];
}

/** What a rule is given for one file. */
export interface RuleContext {
  /** Absolute. */
  filename: string;
  /** The folder of the configuration. */
  cwd: string;
  report(problem: { node: SyntaxNode; message: string }): void;
  sourceCode: {
    scopeManager: { globalScope: { through: { identifier: SyntaxNode }[]; variables: Variable[] } | null };
  };
}

/** Callbacks by node type. */
export type Visitor = Record<string, (node: SyntaxNode) => void>;

/** A lint rule. */
export interface Rule {
  create(context: RuleContext): Visitor;
}

/** The file's path relative to the configuration's folder, with forward slashes. */
export function relativePath(context: RuleContext): string {
  return context.filename.slice(context.cwd.length + 1).replaceAll("\\", "/");
}

/** The text of a string literal or of a template without holes; `undefined` for anything else. */
export function literalText(node: SyntaxNode | null | undefined): string | undefined {
  if (node?.type === "TemplateLiteral" && node.quasis?.length === 1) return node.quasis[0]?.value.cooked ?? undefined;
  return typeof node?.value === "string" ? node.value : undefined;
}

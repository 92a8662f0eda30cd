/** The rules `layers`, `adapters` and `direction`: every way to name another module, checked against import-layers.ts. */
import { adapterViolation, directionViolation, layerViolation, type Specifier } from "./import-layers.ts";
import { literalText, relativePath, type Rule, type SyntaxNode, type Visitor } from "./syntax.ts";

/** Imports flow one way between the folders. */
export const layers: Rule = importRule(layerViolation);

/** Inside a service, only compose* and main* know a concrete adapter. */
export const adapters: Rule = importRule(adapterViolation);

/** Inside a service, imports flow from main to the domain folders. */
export const direction: Rule = importRule(directionViolation);

function importRule(violation: (from: string, specifier: Specifier) => string | undefined): Rule {
  return {
    create(context) {
      const from = relativePath(context);
      const check = (node: SyntaxNode, specifier: Specifier) => {
        const message = violation(from, specifier);
        if (message !== undefined) context.report({ node, message });
      };
      const bySource = (node: SyntaxNode) => {
        if (node.source) check(node, literalText(node.source));
      };
      const visitor: Visitor = {
        ImportDeclaration: bySource,
        ExportNamedDeclaration: bySource,
        ExportAllDeclaration: bySource,
        ImportExpression: bySource,
        TSImportType: bySource,
        TSExternalModuleReference: (node) => check(node, literalText(node.expression)),
        TSModuleDeclaration: (node) => {
          const name = literalText(node.id);
          if (name !== undefined) check(node, name);
        },
      };
      return visitor;
    },
  };
}

// Prints what importing a module loads, as JSON lines of {specifier, parent, url}: `node --conditions=browser record-imports.ts PATH`.
// Node itself resolves, so nothing is guessed; what is imported only when it is used is not loaded, and not printed.
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const entry = pathToFileURL(process.argv[2] ?? "").href;
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    console.log(JSON.stringify({ specifier, parent: context.parentURL ?? null, url: resolved.url }));
    return resolved;
  },
});
await import(entry);

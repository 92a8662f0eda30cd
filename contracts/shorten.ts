/** Foreign words inside messages, kept short: a caller's graph must not come back as a message of megabytes. */

/** Names that are spelled out before "… and N more". */
const NAMED = 5;

export function shorten(text: string, maxChars = 100): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
}

/** The first five of `items`, and how many more there are. */
export function firstFew(items: readonly string[], separator = ", "): string {
  const more = items.length - NAMED;
  return [...items.slice(0, NAMED), ...(more > 0 ? [`… and ${more} more`] : [])].join(separator);
}

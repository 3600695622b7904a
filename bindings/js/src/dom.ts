/**
 * A class of a browser's globals by its name; `never` in programs that are compiled without them, as Node's are: so these
 * declarations hold there too.
 */
export type Dom<Name extends string> =
  typeof globalThis extends Record<Name, { prototype: infer Instance }> ? Instance : never;

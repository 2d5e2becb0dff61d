/**
 * Whether a value is an instance of a class of Kysely. An app can use a different copy of Kysely from this
 * package, for example its CommonJS build, whose classes have the same names.
 */
export function isA(value: object, type: abstract new (...args: never[]) => object, name: string): boolean {
  if (value instanceof type) return true
  for (let at: unknown = Object.getPrototypeOf(value); at instanceof Object; at = Object.getPrototypeOf(at))
    if (at.constructor.name === name) return true
  return false
}

/**
 * Whether a value is an instance of a class of Kysely, by its name: an app can use a different copy of Kysely
 * from this package, for example its CommonJS build.
 */
export function isA(value: object, name: string): boolean {
  for (let at: object | null = Object.getPrototypeOf(value); at !== null; at = Object.getPrototypeOf(at))
    if (at.constructor?.name === name) return true
  return false
}

/**
 * A copy of a module's exports with a different value for one of them: bundlers and Node define exports that
 * cannot be changed.
 */
export function withExport(exports: object, name: string, value: unknown): object {
  const members = Object.getOwnPropertyDescriptors(exports)
  return Object.defineProperties(Object.create(Object.getPrototypeOf(exports)), {
    ...members,
    [name]: { value, enumerable: true, configurable: true, writable: true },
  })
}

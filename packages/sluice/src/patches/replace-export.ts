type AnyFunction = (...args: never[]) => unknown

/**
 * The stand-in of each function or class, also of itself: a process can load one as CommonJS and as an ES
 * module.
 */
const standIns = new WeakMap<object, unknown>()

/** Returns the stand-in of a function or class. Any other value is returned unchanged. */
export function standInOf<T>(original: unknown, create: (original: T) => T): unknown {
  if (typeof original !== 'function') return original
  const known = standIns.get(original)
  if (known !== undefined) return known
  const standIn = create(original as T) as AnyFunction
  standIns.set(original, standIn)
  standIns.set(standIn, standIn)
  return standIn
}

/**
 * Replaces an export of a CommonJS module, and returns the exports: a copy if they cannot be changed, as
 * those that bundlers define.
 */
export function replaceExport(
  exports: unknown,
  name: string,
  replaced: (value: unknown) => unknown,
): unknown {
  const original: unknown = Reflect.get(exports as object, name)
  const value = replaced(original)
  // Other modules of the package read the export when they need it.
  if (value === original || Reflect.set(exports as object, name, value)) return exports
  const members = Object.getOwnPropertyDescriptors(exports)
  return Object.defineProperties(Object.create(Object.getPrototypeOf(exports)), {
    ...members,
    [name]: { value, enumerable: true, configurable: true, writable: true },
  })
}

export type Method = (...args: unknown[]) => unknown
export type Methods = Record<string, Method | undefined>

const patched = new WeakSet<object>()

/**
 * Replaces methods of the class of an instance, once for each class: drivers do not export all of them.
 *
 * @param replaced - Returns what replaces a method.
 * @returns The prototype of the class; `undefined` if it is already patched.
 */
export function patchMethods<Name extends string>(
  instance: object,
  names: readonly Name[],
  replaced: (name: Name, method: Method) => Method,
): Methods | undefined {
  const prototype: Methods = Object.getPrototypeOf(instance)
  if (patched.has(prototype)) return undefined
  patched.add(prototype)
  for (const name of names) {
    const method = prototype[name]
    if (method !== undefined) prototype[name] = replaced(name, method)
  }
  return prototype
}

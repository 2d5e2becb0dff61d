import type { Method } from '../patches/patch-methods.ts'

/**
 * Replaces methods of one object.
 *
 * @param replaced - By name: returns what replaces the method, which it receives bound to the object.
 * @returns The function that restores those that were not replaced again meanwhile.
 * @throws Error if the object does not have one of them.
 */
export function replaceMethods<TName extends string>(
  target: object,
  replaced: Readonly<Record<TName, (original: Method) => Method>>,
): () => void {
  const methods = target as Partial<Record<string, Method>>
  const restored = Object.entries<(original: Method) => Method>(replaced).map(([name, replacing]) => {
    const method = methods[name]
    if (typeof method !== 'function') throw new Error(`It has no method ${name}.`)
    const isOwn = Object.hasOwn(methods, name)
    const replacement = replacing((...args) => method.apply(target, args))
    methods[name] = replacement
    return () => {
      if (methods[name] !== replacement) return
      if (isOwn) methods[name] = method
      else delete methods[name]
    }
  })
  return () => {
    for (const restore of restored) restore()
  }
}

/**
 * A stand-in for an object with some of its members replaced. Methods that return the object return the
 * stand-in. The object itself is not modified.
 */
export function standInFor<T extends object>(
  target: T,
  members: Readonly<Record<string, object | ((...args: unknown[]) => unknown)>>,
): T {
  const bound = new Map<unknown, (...args: unknown[]) => unknown>()
  const standIn: T = new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(members, name)) return members[name]
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      let method = bound.get(value)
      if (method === undefined) {
        method = (...args) => {
          const result: unknown = value.apply(target, args)
          return result === target ? standIn : result
        }
        bound.set(value, method)
      }
      return method
    },
  })
  return standIn
}

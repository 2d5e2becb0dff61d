import { guarded } from './guarded.ts'
import { withExport } from './replaced-export.ts'
import { kyselyArguments } from './seams/kysely.ts'

type Constructor = new (...args: unknown[]) => object

/**
 * The stand-in of each class, also of itself: a process can load one class as CommonJS and as an ES module.
 */
const standIns = new WeakMap<object, unknown>()

/** Replaces the class of CommonJS modules of Kysely. */
export function patchKysely(exports: unknown): unknown {
  const { Kysely } = exports as { Kysely?: unknown }
  const standIn = kyselyClass(Kysely)
  if (standIn === Kysely) return exports
  // Other modules of the package read the class when they need it.
  if (Reflect.set(exports as object, 'Kysely', standIn)) return exports
  return withExport(exports as object, 'Kysely', standIn)
}

/**
 * Returns a stand-in for the class `Kysely`, whose instances are attached. It has the same prototype, so that
 * `instanceof` also holds for the instances that Kysely derives itself.
 */
export function kyselyClass(original: unknown): unknown {
  return standInOf(
    original,
    (Kysely: Constructor) =>
      new Proxy(Kysely, {
        construct: (target, args, newTarget) =>
          Reflect.construct(target, guarded('Kysely', () => kyselyArguments(args)) ?? args, newTarget),
      }),
  )
}

function standInOf<T extends object>(original: unknown, create: (original: T) => T): unknown {
  if (typeof original !== 'function') return original
  const known = standIns.get(original)
  if (known !== undefined) return known
  const standIn = create(original as unknown as T)
  standIns.set(original, standIn)
  standIns.set(standIn, standIn)
  return standIn
}

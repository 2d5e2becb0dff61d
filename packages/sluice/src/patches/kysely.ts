import { guarded } from '../guarded.ts'
import { kyselyArguments } from '../seams/kysely.ts'
import { replaceExport, standInOf } from './replace-export.ts'

type Constructor = new (...args: unknown[]) => object

/** Replaces the class of CommonJS modules of Kysely. */
export function patchKysely(exports: unknown): unknown {
  return replaceExport(exports, 'Kysely', kyselyClass)
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

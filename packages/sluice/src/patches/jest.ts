import { guarded } from '../guarded.ts'
import { currentTest } from '../process-state.ts'

/** The modules that are loaded, by file. */
export type ModuleCache = Readonly<Record<string, { exports: unknown; readonly loaded: boolean } | undefined>>

/** The modules of a test file. A global of its realm, which `sluice/jest` sets. */
export interface TestModules {
  /** Those of the current registry. */
  readonly cache: ModuleCache
  /** Returns the file of a module as Jest finds it. */
  resolve(request: string, from: string): string
}

const MODULES = Symbol.for('sluice.testModules')

interface Runtime {
  readonly _environment?: { readonly global?: { readonly [MODULES]?: TestModules } | null }
  requireModule(from: string, request?: string, options?: { readonly isInternalModule?: boolean }): unknown
}

type Attach = (request: string, resolve: () => string, cache: ModuleCache) => unknown

/** An app with `withSluice`. Its copy of the core knows nothing of the clients attached outside. */
const CORE = /^@sluice\/core(?:\/|$)/

/**
 * Attaches to the clients that the test files of Jest load: `require` of a test file does not call the
 * loader of Node.
 *
 * @param attach - Returns what replaces the exports of a module.
 */
export function patchJest(exports: unknown, attach: Attach): unknown {
  const { prototype } = (exports as { readonly default: { readonly prototype: Runtime } }).default
  const { requireModule } = prototype
  if (typeof requireModule !== 'function') throw new Error('This version of Jest has no requireModule.')
  let current: TestModules | undefined
  prototype.requireModule = function (this: Runtime, ...args) {
    const loaded = requireModule.apply(this, args)
    const [from, request, options] = args
    const modules = this._environment?.global?.[MODULES]
    if (modules === undefined || request === undefined || options?.isInternalModule === true) return loaded
    if (modules !== current) guarded('Jest', fileBegins)
    current = modules
    currentTest.hasOwnCore ||= CORE.test(request)
    return (
      guarded('Jest', () => attach(request, () => modules.resolve(request, from), modules.cache)) ?? loaded
    )
  }
  return exports
}

function fileBegins(): void {
  const { detachments = [] } = currentTest
  currentTest.hasOwnCore = false
  currentTest.detachments = []
  for (const detach of detachments) detach()
}

import Module from 'node:module'
import { guarded } from './guarded.ts'

/** An ES module, or a CommonJS module that ES modules import, of which exports are replaced. */
export interface HookedModule {
  readonly client: string
  /** Matches the URL. */
  readonly file: RegExp
  readonly names: readonly string[]
  readonly hasDefault: boolean
  /** Called once for each module and name with the export's value. */
  wrap(value: unknown, name: string): unknown
}

interface LoadContext {
  readonly conditions?: readonly string[]
}

type Load = (url: string, context: LoadContext) => unknown

interface ModuleHooks {
  /** Since Node 22.15. */
  registerHooks?(hooks: { load(url: string, context: LoadContext, next: Load): unknown }): void
  register(specifier: string, options: { readonly data: unknown }): void
}

const ORIGINAL = '?sluice-original'
const WRAP = Symbol.for('sluice.wrap')

const shared = globalThis as { [WRAP]?: readonly HookedModule['wrap'][] }

/** The loader of Node 20 to 22.14, which runs in a separate thread. */
const LOADER = `let hooked
export const initialize = (modules) => { hooked = modules }
export const load = (url, context, next) => {
  const found = hooked.find(({ file }) => file.test(url))
  if (found === undefined) return next(url, context)
  const source = found.source.replaceAll('ORIGINAL', JSON.stringify(url + '${ORIGINAL}'))
  return { format: 'module', shortCircuit: true, source }
}`

/**
 * Replaces exports of the modules that ES modules import from now on.
 *
 * @param builtins - Modules of Node, which are loaded with `process.getBuiltinModule` before an ES module
 *   imports them. Since Node 22.15.
 */
export function hookModules(modules: readonly HookedModule[], builtins: readonly string[]): void {
  // It runs while the app imports the module.
  shared[WRAP] = modules.map(
    ({ client, wrap }) =>
      (value, name) =>
        guarded(client, () => wrap(value, name)) ?? value,
  )
  const hooked = modules.map((one, index) => ({ file: one.file, source: sourceOf(one, index) }))
  const hooks = Module as unknown as ModuleHooks
  if (hooks.registerHooks === undefined) {
    hooks.register(`data:text/javascript,${encodeURIComponent(LOADER)}`, { data: hooked })
    return
  }
  hooks.registerHooks({
    load(url, context, next) {
      if (builtins.includes(url)) process.getBuiltinModule(url)
      const found = hooked.find(({ file }) => file.test(url))
      // `Module._load` replaces what `require` returns.
      if (found === undefined || context.conditions?.includes('require')) return next(url, context)
      const source = found.source.replaceAll('ORIGINAL', JSON.stringify(url + ORIGINAL))
      return { format: 'module', shortCircuit: true, source }
    },
  })
}

/** The module that is loaded instead. An export takes precedence over the same one of `export *`. */
function sourceOf({ names, hasDefault }: HookedModule, index: number): string {
  const wrapped = names.map(
    (
      name,
      at,
    ) => `const wrapped${at} = globalThis[Symbol.for('sluice.wrap')][${index}](original.${name}, '${name}')
export { wrapped${at} as ${name} }
`,
  )
  return `import * as original from ORIGINAL
export * from ORIGINAL
${hasDefault ? 'export { default } from ORIGINAL' : ''}
${wrapped.join('')}`
}

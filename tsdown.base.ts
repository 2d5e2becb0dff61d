import { defineConfig, type UserConfig } from 'tsdown'

/**
 * The build of a package that apps import. CommonJS, because Node 20, Jest and bundlers load it from `import`
 * and from `require` alike: with a second build for `import`, an app that is half CommonJS would have two
 * copies of the core. There are no source maps: names and lines of the code are kept, and only the comments
 * are omitted. `minified` keeps the names that stack traces show.
 *
 * @param entry - The file of each entry point, by name. `index` is the package itself.
 */
export function library(entry: Readonly<Record<string, string>>, more: UserConfig = {}): UserConfig {
  return defineConfig({
    entry,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    dts: true,
    exports: { devExports: '@sluice/source' },
    plugins,
    ...more,
    outputOptions: {
      // Otherwise, it becomes a part of one entry point, which the others then load, with its effects.
      codeSplitting: { groups: [{ name: 'runtime', test: /rolldown\/runtime/ }] },
      ...more.outputOptions,
      // Jest does not support `import()` in CommonJS.
      dynamicImportInCjs: false,
      comments: { legal: false, annotation: false, jsdoc: false },
    },
  })
}

/** The module may be one that cannot be loaded with `require`, such as a processor of the app. */
const computedImports = {
  name: 'computed-imports',
  transform: (code: string) => code.replaceAll(/\bimport\((?=\w)/g, 'keptImport('),
  renderChunk: (code: string) => code.replaceAll('keptImport(', 'import('),
}

/** Loads chunks with such a name when one of their exports is first used. */
const lateChunks = {
  name: 'late-chunks',
  renderChunk: (code: string) =>
    code
      .replaceAll(
        /^const (require_late_\w+) = (require\(.+\));$/gm,
        'let $1_loaded; const $1 = { get now() { return $1_loaded ??= $2 } };',
      )
      .replaceAll(/\brequire_late_\w+(?=\.)/g, '$&.now')
      .replaceAll(/^require\(.\.\/late-.+\);$/gm, ''),
}

const plugins = [computedImports, lateChunks]

/**
 * Minifies chunks, and keeps what stack traces show: the names of functions, and a line for each statement.
 * Node prints the line of an uncaught error.
 */
export const minified: Pick<UserConfig, 'minify' | 'plugins'> = {
  minify: { compress: false, mangle: { keepNames: true }, codegen: true },
  plugins: [
    ...plugins,
    {
      name: 'statement-lines',
      generateBundle(_, bundle) {
        for (const file of Object.values(bundle)) {
          if (file.type !== 'chunk' || !file.fileName.endsWith('.cjs')) continue
          const starts: number[] = []
          findStatements(this.parse(file.code), starts)
          const ends = [...starts.sort((a, b) => a - b), file.code.length]
          const lines = ends.map((end, at) => file.code.slice(ends[at - 1] ?? 0, end))
          // Bundlers and tools search for string literals.
          file.code = lines.join('\n').replaceAll(/\brequire\(`([^`$]+)`\)/g, 'require("$1")')
        }
      },
    },
  ],
}

const STATEMENT = /Statement$|Declaration$|^(?:MethodDefinition|PropertyDefinition|StaticBlock)$/

/** Adds where the statements of a list, and the members of a class, start. */
function findStatements(node: unknown, starts: number[]): void {
  if (Array.isArray(node)) {
    for (const one of node) {
      if (STATEMENT.test(one?.type)) starts.push(one.start)
      findStatements(one, starts)
    }
  } else if (typeof node === 'object' && node !== null)
    for (const value of Object.values(node)) findStatements(value, starts)
}

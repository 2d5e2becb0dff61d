import { defineConfig, type UserConfig } from 'tsdown'

/**
 * The build of a package that apps import. CommonJS, because Node 20, Jest and bundlers load it from `import`
 * and from `require` alike: with a second build for `import`, an app that is half CommonJS would have two
 * copies of the core. There are no source maps: names and lines of the code are kept, and only the comments
 * are omitted.
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
    plugins: [computedImports],
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

import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CallSite } from '@sluice/core'
import { parseCallSite } from '@sluice/core/siblings'
import ts from 'typescript'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-map-')))
afterAll(() => rmSync(folder, { recursive: true }))

const SOURCE = [
  'interface City {',
  '  id: number',
  '}',
  'export async function load(city: City) {',
  '  return find(city.id)',
  '}',
  'declare const find: (id: number) => unknown',
  '',
].join('\n')

/**
 * Compiles a file like `tsc` into a separate folder, and returns the position of `find(` in the compiled
 * file.
 */
function compile(
  name: string,
  options: ts.CompilerOptions,
  place: (files: { code: string; map: string | undefined }) => void = () => {},
) {
  const root = join(folder, name)
  const source = join(root, 'src/load.ts')
  mkdirSync(join(root, 'src'), { recursive: true })
  writeFileSync(source, SOURCE)
  const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, noLib: true, types: [] }
  ts.createProgram([source], {
    ...target,
    rootDir: join(root, 'src'),
    outDir: join(root, 'dist'),
    ...options,
  }).emit()
  const file = join(root, 'dist/load.js')
  const outputText = readFileSync(file, 'utf8')
  const sourceMapText = options.sourceMap === true ? readFileSync(`${file}.map`, 'utf8') : undefined
  place({ code: file, map: sourceMapText })
  const lines = outputText.split('\n')
  const line = lines.findIndex((text) => text.includes('return find('))
  const column = (lines[line] ?? '').indexOf('find(')
  return { root, file, frame: `    at async load (${file}:${line + 1}:${column + 1})` }
}

const siteOf = (...frames: string[]): CallSite | undefined => parseCallSite(`Error\n${frames.join('\n')}`)

const mapsEnabled = (value: boolean) =>
  vi.spyOn(process as { sourceMapsEnabled: boolean }, 'sourceMapsEnabled', 'get').mockReturnValue(value)

describe('a call site in compiled JavaScript', () => {
  beforeEach(() => void mapsEnabled(false))
  afterEach(() => vi.restoreAllMocks())

  it('is mapped to its source by an external map', () => {
    const { root, frame } = compile('external', { sourceMap: true })
    expect(siteOf(frame)).toEqual({
      file: join(root, 'src/load.ts'),
      line: 5,
      column: 10,
      functionName: 'load',
    })
  })

  it('is mapped to its source by an inline map', () => {
    const { root, frame } = compile('inline', { inlineSourceMap: true })
    expect(siteOf(frame)).toMatchObject({ file: join(root, 'src/load.ts'), line: 5 })
  })

  it('respects sourceRoot of the map', () => {
    const { root, frame } = compile('rooted', { sourceMap: true }, ({ code, map = '' }) =>
      writeFileSync(
        `${code}.map`,
        JSON.stringify({ ...JSON.parse(map), sourceRoot: '../lib', sources: ['load.ts'] }),
      ),
    )
    expect(siteOf(frame)).toMatchObject({ file: join(root, 'lib/load.ts'), line: 5 })
  })

  it('is mapped in folders with spaces in their names', () => {
    const { root, frame } = compile('with a space', { sourceMap: true })
    expect(siteOf(frame)).toMatchObject({ file: join(root, 'src/load.ts'), line: 5 })
  })

  it('skips bundled code of Sluice', () => {
    const sources = [new URL('../../src/pipeline/pipeline.ts', import.meta.url).href]
    const bundled = compile('own bundle', { sourceMap: true }, ({ code, map = '' }) =>
      writeFileSync(`${code}.map`, JSON.stringify({ ...JSON.parse(map), sources })),
    )
    expect(siteOf(bundled.frame)).toBeUndefined()
  })

  it('skips bundled code of packages, and names them', () => {
    const bundled = compile('bundle', { sourceMap: true }, ({ code, map = '' }) =>
      writeFileSync(
        `${code}.map`,
        JSON.stringify({ ...JSON.parse(map), sources: ['../node_modules/repositories/index.ts'] }),
      ),
    )
    const app = compile('app', { sourceMap: true })
    expect(siteOf(bundled.frame, app.frame)).toMatchObject({
      file: join(app.root, 'src/load.ts'),
      package: 'repositories',
    })
  })

  it.each<[string, ts.CompilerOptions, Parameters<typeof compile>[2]]>([
    ['there is no map', {}, undefined],
    ['the map is gone', { sourceMap: true }, ({ code }) => rmSync(`${code}.map`)],
    ['the map is broken', { sourceMap: true }, ({ code }) => writeFileSync(`${code}.map`, '{"version":3,')],
    ['the map is no map', { sourceMap: true }, ({ code }) => writeFileSync(`${code}.map`, '7')],
    [
      'the map is elsewhere',
      { sourceMap: true },
      ({ code }) => writeFileSync(code, '//# sourceMappingURL=https://example.org/load.js.map'),
    ],
    [
      'the source is no file',
      { sourceMap: true },
      ({ code, map = '' }) =>
        writeFileSync(
          `${code}.map`,
          JSON.stringify({ ...JSON.parse(map), sources: ['webpack://app/load.ts'] }),
        ),
    ],
  ])('is not mapped when %s', (name, options, place) => {
    const { file, frame } = compile(`no ${name}`, options, place)
    expect(siteOf(frame)).toMatchObject({ file, functionName: 'load' })
  })

  it('is not mapped when the file does not exist or has no mapping for it', () => {
    expect(siteOf('    at load (/nowhere/load.js:3:4)')).toMatchObject({ file: '/nowhere/load.js', line: 3 })
    const { file } = compile('beyond', { sourceMap: true }, ({ code, map = '' }) =>
      writeFileSync(`${code}.map`, JSON.stringify({ ...JSON.parse(map), mappings: '' })),
    )
    expect(siteOf(`    at load (${file}:1:1)`)).toMatchObject({ file, line: 1 })
  })

  it('is not mapped again when Node maps stacks', () => {
    const { file, frame } = compile('enabled', { sourceMap: true })
    vi.restoreAllMocks()
    mapsEnabled(true)
    expect(siteOf(frame)).toMatchObject({ file })
  })

  it('is not mapped again when a loader has mapped it', () => {
    const { root } = compile('loader', { sourceMap: true })
    const source = join(root, 'load.ts')
    writeFileSync(source, '//# sourceMappingURL=dist/load.js.map')
    expect(siteOf(`    at load (${source}:2:3)`)).toEqual({
      file: source,
      line: 2,
      column: 3,
      functionName: 'load',
    })
  })
})

describe('frames of the app', () => {
  it('are below those of the ORM in a bundle that contains Sluice', async () => {
    const { registerOwnFrames } = await import('@sluice/core/siblings')
    mkdirSync(join(folder, 'bundled/dist'), { recursive: true })
    writeFileSync(join(folder, 'bundled/package.json'), '{"name":"app"}')
    registerOwnFrames(`file://${folder}/bundled/dist/app.js`)
    const own = `    at record (${folder}/bundled/dist/app.js:1:2)`
    const app = `    at load (${folder}/bundled/dist/app.js:3:4)`
    const orm = `    at query (${folder}/node_modules/orm/index.js:1:1)`
    expect(siteOf(own, own, '    at tick (node:internal/x:1:1)', orm, app, own)).toMatchObject({ line: 3 })
    // The ORM is in the bundle, too: any of these frames can be the app's.
    expect(siteOf(own, app)).toBeUndefined()
    expect(siteOf(own, `    at load (${folder}/bundled/dist/other.js:5:6)`)).toMatchObject({ line: 5 })
  })

  it('do not depend on `import.meta.url`, which is undefined in a CommonJS bundle', async () => {
    const { registerOwnFrames } = await import('@sluice/core/siblings')
    expect(() => registerOwnFrames(undefined)).not.toThrow()
    expect(siteOf(`    at load (${folder}/cjs/app.cjs:1:2)`)).toMatchObject({ line: 1 })
  })

  it('exclude those of a third-party adapter, whose package.json has the keyword', async () => {
    const { registerOwnFrames } = await import('@sluice/core/siblings')
    mkdirSync(join(folder, 'third/dist'), { recursive: true })
    writeFileSync(join(folder, 'third/package.json'), '{"name":"third","keywords":["orm","sluice-adapter"]}')
    registerOwnFrames(`file://${folder}/third/dist/index.js`)
    expect(siteOf(`    at load (${folder}/third/dist/index.js:1:2)`)).toBeUndefined()
  })
})

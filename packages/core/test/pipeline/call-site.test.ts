import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatCallSite } from '@sluice/core'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import {
  captureStack,
  parseCallSite,
  portableFileOf,
  togetherAbove,
  userFrames,
} from '../../src/pipeline/call-site.ts'
import { registerMovedFrames, registerOwnFrames } from '../../src/pipeline/frame-packages.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-packages-')))
afterAll(() => rmSync(folder, { recursive: true }))

registerOwnFrames('file:///nowhere/src/adapter.ts', 'orm', '@driver')
registerMovedFrames('orm', /[\\/]9-orm[\\/]\w+[\\/]dist[\\/]/)

/** Creates a package, and returns the path of a file in it. */
function install(name: string, manifest?: object, under = 'node_modules'): string {
  const root = join(folder, under, name)
  mkdirSync(root, { recursive: true })
  if (manifest !== undefined) writeFileSync(join(root, 'package.json'), JSON.stringify({ name, ...manifest }))
  return join(root, 'index.js')
}

const stackOf = (...frames: string[]) => `Error\n${frames.map((frame) => `    at ${frame}`).join('\n')}`

const APP = 'async load (/app/src/load.ts:3:5)'
const ORM = [
  `Builder.then (${install('orm')}:1:2)`,
  `Client.query (${install('@driver/pool')}:3:4)`,
  'process.processTicksAndRejections (node:internal/process/task_queues:95:5)',
]

/** The text of the call site below the frames of the ORM. */
function placeOf(...frames: string[]): string | undefined {
  const site = parseCallSite(stackOf(...ORM, ...frames))
  return site && formatCallSite(site, folder)
}

describe('the call site of queries that a package sends', () => {
  const library = install('library', { peerDependencies: { orm: '^1.0.0' } })
  const framework = install('framework', { dependencies: { other: '1' }, devDependencies: 7 })

  it('is the line of the app, with the package that is between it and the ORM', () => {
    expect(placeOf(`async each (${library}:7:3)`, APP)).toBe('/app/src/load.ts:3:5 (through library)')
    expect(placeOf(APP, `async each (${library}:7:3)`)).toBe('/app/src/load.ts:3:5')
    expect(placeOf(APP)).toBe('/app/src/load.ts:3:5')
  })

  it('names the package closest to the app, preferably one that uses the ORM', () => {
    const outer = install('outer', { devDependencies: { '@driver/pool': '1' } })
    expect(placeOf(`a (${library}:1:1)`, `b (${outer}:1:1)`, APP)).toMatch(/\(through outer\)$/)
    expect(placeOf(`a (${framework}:1:1)`, `b (${library}:1:1)`, APP)).toMatch(/\(through library\)$/)
    expect(placeOf(`a (${library}:1:1)`, `b (${framework}:1:1)`, APP)).toMatch(/\(through library\)$/)
    expect(placeOf(`a (${framework}:1:1)`, APP)).toMatch(/\(through framework\)$/)
  })

  it('is in the package if no frame of the app is left', () => {
    expect(placeOf(`async each (${library}:7:3)`, `async all (${library}:9:1)`)).toBe(
      'node_modules/library/index.js:7:3 (in library)',
    )
    expect(parseCallSite(stackOf(...ORM, `async each (${library}:7:3)`))).toEqual({
      file: library,
      line: 7,
      column: 3,
      functionName: 'each',
      package: 'library',
    })
  })

  it('is unknown if only packages are left that do not use the ORM', () => {
    const broken = install('broken')
    writeFileSync(join(folder, 'node_modules/broken/package.json'), '{')
    const empty = install('empty')
    writeFileSync(join(folder, 'node_modules/empty/package.json'), 'null')
    for (const file of [framework, broken, empty, install('without-manifest')])
      expect(placeOf(`async handle (${file}:1:1)`)).toBeUndefined()
    expect(placeOf()).toBeUndefined()
    expect(placeOf(`async handle (${framework}:1:1)`, `async each (${library}:7:3)`)).toMatch(
      /\(in library\)$/,
    )
  })

  it('names neither instrumentation nor helpers', () => {
    const uses = { dependencies: { orm: '1' } }
    for (const name of ['@opentelemetry/instrumentation-orm', '@sentry/node', 'dd-trace', 'p-map', 'tslib']) {
      const file = install(name, uses)
      expect(placeOf(`patched (${file}:1:1)`)).toBeUndefined()
      expect(placeOf(`patched (${file}:1:1)`, APP)).toBe('/app/src/load.ts:3:5')
    }
  })

  it.each([
    ['@scope/name', 'node_modules'],
    ['linked', 'node_modules/.pnpm/linked@1.0.0/node_modules'],
    ['nested', 'node_modules/framework/node_modules'],
    ['with a space', 'node_modules'],
  ])('finds the package %s in %s', (name, under) => {
    const file = install(name, { dependencies: { orm: '1' } }, under)
    const url = `file://${file.replaceAll(' ', '%20')}`
    expect(placeOf(`each (${url}:7:3)`)).toBe(`${under}/${name}/index.js:7:3 (in ${name})`)
    expect(placeOf(`each (${file}:7:3)`, APP)).toBe(`/app/src/load.ts:3:5 (through ${name})`)
  })

  it('skips files of the ORM that its source maps place outside of it', () => {
    const moved = [
      '/app/9-orm/runtime/dist/run.mjs:7:3',
      `${install('.pnpm')}/9-orm/runtime/dist/run.mjs:8:1`,
    ]
    const stack = stackOf(...moved.map((file) => `async run (${file})`), APP)
    expect(parseCallSite(stack)).toEqual({
      file: '/app/src/load.ts',
      line: 3,
      column: 5,
      functionName: 'load',
    })
    expect(userFrames(stack, 5)).toBe(`\n    at ${APP}`)
    expect(placeOf('mine (/app/9-orm/index.ts:1:2)')).toBe('/app/9-orm/index.ts:1:2')
  })

  it('finds packages in paths of Windows', () => {
    expect(
      placeOf('each (C:\\app\\node_modules\\@scope\\name\\index.js:7:3)', 'C:\\app\\src\\load.js:1:2'),
    ).toBe('C:\\app\\src\\load.js:1:2 (through @scope/name)')
    expect(placeOf('query (C:\\app\\node_modules\\orm\\index.js:7:3)', 'C:\\app\\src\\load.js:1:2')).toBe(
      'C:\\app\\src\\load.js:1:2',
    )
  })

  it('skips the ORM of a third-party adapter: its peer dependencies', () => {
    const file = install('adapter', { keywords: ['sluice-adapter'], peerDependencies: { 'other-orm': '1' } })
    const orm = install('other-orm')
    expect(placeOf(`query (${orm}:1:1)`, APP)).toMatch(/\(through other-orm\)$/)
    registerOwnFrames(`file://${join(file, '../dist/index.js')}`)
    expect(placeOf(`query (${orm}:1:1)`, APP)).toBe('/app/src/load.ts:3:5')
    expect(placeOf(`each (${install('user', { dependencies: { 'other-orm': '1' } })}:1:1)`)).toMatch(
      /in user/,
    )
  })
})

describe('portableFileOf', () => {
  it('does not depend on the folder in which a package is installed', () => {
    const of = (file: string) => portableFileOf({ file, line: 1, column: 1 })
    expect(of('/repo/node_modules/.pnpm/a@1.0.0/node_modules/a/lib/b.js')).toBe('node_modules/a/lib/b.js')
    expect(of(`${process.cwd()}/node_modules/@a/b/c.js`)).toBe('node_modules/@a/b/c.js')
    expect(of(`${process.cwd()}/src/a.ts`)).toBe('src/a.ts')
    expect(of('/elsewhere/src/a.ts')).toBe('/elsewhere/src/a.ts')
  })
})

describe('captureStack', () => {
  afterEach(() => vi.restoreAllMocks())

  it.each([0, 2, undefined])('does not depend on the limit of the app: %s', (limit) => {
    const before = Error.stackTraceLimit
    Error.stackTraceLimit = limit as number
    const { stack } = captureStack()
    expect(Error.stackTraceLimit).toBe(limit)
    Error.stackTraceLimit = before
    expect(stack?.split('\n').length).toBeGreaterThan(3)
  })

  it('does not throw if the app has frozen the limit', () => {
    const descriptor = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor
    Object.defineProperty(Error, 'stackTraceLimit', { ...descriptor, writable: false })
    try {
      expect(captureStack().stack).toContain('call-site.test.ts')
    } finally {
      Object.defineProperty(Error, 'stackTraceLimit', descriptor)
    }
  })

  it('does not throw if the app formats stacks as values of another type', () => {
    const before = Error.prepareStackTrace
    Error.prepareStackTrace = (_error, sites) => sites
    const { stack } = captureStack()
    Error.prepareStackTrace = before
    expect(stack).toBeInstanceOf(Array)
    expect(parseCallSite(stack)).toBeUndefined()
    expect(userFrames(stack, 3)).toBeUndefined()
  })
})

describe('userFrames', () => {
  const framesOf = (max: number, ...frames: string[]): string | undefined =>
    userFrames(`Error\n${frames.map((frame) => `    at ${frame}`).join('\n')}`, max)

  it('are the first frames of the app', () => {
    const foreign = [
      'Runner.query (/app/node_modules/knex/lib/runner.js:1:1)',
      'process.processTicks (node:internal/process/task_queues:95:5)',
    ]
    const first = 'async load (/app/src/load.ts:3:5)'
    const second = 'async file:///app/src/main.ts:9:1'
    expect(framesOf(2, ...foreign, first, ...foreign, second, 'never (/app/src/later.ts:1:1)')).toBe(
      `\n    at ${first}\n    at ${second}`,
    )
    expect(framesOf(3, first)).toBe(`\n    at ${first}`)
  })

  it('are none without a frame of the app', () => {
    expect(
      framesOf(
        3,
        'node:internal/main:1:1',
        '/app/node_modules/pg/lib/client.js:5:6',
        'new Promise (<anonymous>)',
      ),
    ).toBeUndefined()
    expect(userFrames('Error', 3)).toBeUndefined()
    expect(userFrames('', 3)).toBeUndefined()
    expect(userFrames(undefined, 3)).toBeUndefined()
  })

  it('are told by their file, and not by the name of their function', () => {
    const bundled = 'Object../node_modules/pg/index.js (/app/dist/bundle.js:7:9)'
    expect(framesOf(3, bundled, 'node:odd (/app/src/odd.ts:1:2)')).toBe(
      `\n    at ${bundled}\n    at node:odd (/app/src/odd.ts:1:2)`,
    )
  })
})

describe('frames', () => {
  const siteOf = (frame: string) => parseCallSite(stackOf(...ORM, frame))
  const at = (file: string, functionName?: string) => ({
    file,
    line: 3,
    column: 5,
    ...(functionName !== undefined && { functionName }),
  })

  it.each([
    ['load (/app/a.js:3:5)', at('/app/a.js', 'load')],
    ['async load (/app/a.js:3:5)', at('/app/a.js', 'load')],
    ['new Shop (/app/a.js:3:5)', at('/app/a.js', 'new Shop')],
    ['Shop.load [as all] (/app/a.js:3:5)', at('/app/a.js', 'Shop.load [as all]')],
    ['/app/a.js:3:5', at('/app/a.js')],
    ['async /app/a.js:3:5', at('/app/a.js')],
    ['async file:///app/a%20b.js:3:5', at('/app/a b.js')],
    // Route groups of Next.js.
    ['Page (/app/(shop)/[id]/page.js:3:5)', at('/app/(shop)/[id]/page.js', 'Page')],
    ['async Page (file:///app/(shop)/page.js:3:5)', at('/app/(shop)/page.js', 'Page')],
    ['/app/(shop)/page.js:3:5', at('/app/(shop)/page.js')],
    ['/app/copy (2)/a.js:3:5', at('/app/copy (2)/a.js')],
    ['load (/app/copy (2)/a.js:3:5)', at('/app/copy (2)/a.js', 'load')],
    ['C:\\app\\a.js:3:5', at('C:\\app\\a.js')],
  ])('reads %s', (frame, site) => {
    expect(siteOf(frame)).toEqual(site)
    expect(userFrames(stackOf(...ORM, frame), 1)).toBe(`\n    at ${frame}`)
  })

  it.each([
    'async Promise.all (index 3)',
    'eval (eval at load (/app/a.js:3:5), <anonymous>:1:1)',
    'Array.map (<anonymous>)',
    'load (native)',
    '<anonymous>',
  ])('skips %s', (frame) => {
    expect(siteOf(frame)).toBeUndefined()
  })
})

describe('the line of a Promise.all', () => {
  const together = 'async Promise.all (index 2)'

  it('is found above the frames of the app, and not below', () => {
    expect(togetherAbove(stackOf(...ORM, together, APP))).toBe(`    at ${together}`)
    expect(togetherAbove(stackOf(...ORM, together))).toBe(`    at ${together}`)
    expect(togetherAbove(stackOf(...ORM, APP, together))).toBeUndefined()
    expect(togetherAbove(stackOf(...ORM))).toBeUndefined()
    expect(togetherAbove(undefined)).toBeUndefined()
  })
})

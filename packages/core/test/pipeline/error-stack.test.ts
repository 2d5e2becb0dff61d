import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addCallers } from '../../src/pipeline/error-stack.ts'

const limit = Error.stackTraceLimit
beforeEach(() => {
  Error.stackTraceLimit = 10
})
afterEach(() => {
  Error.stackTraceLimit = limit
})

const frame = (name: string, line = 1) => `    at ${name} (/app/${name.split(' ').at(-1)}.js:${line}:3)`
const stackOf = (...frames: readonly string[]) => ['Error: gone', ...frames].join('\n')

/** The frames of an error after those of a call were added. */
function added(frames: readonly string[], called: readonly string[]): readonly string[] {
  const error = Object.assign(new Error('gone'), { stack: stackOf(...frames) })
  addCallers(error, stackOf(...called))
  return (error.stack ?? '').split('\n').slice(1)
}

describe('addCallers', () => {
  it('appends callers to a stack without any of them', () => {
    const [driver, inner, outer] = [frame('driver'), frame('inner'), frame('outer')]
    expect(added([driver], [inner, outer])).toEqual([driver, inner, outer])
  })

  it('appends those below the last one in the stack', () => {
    const [driver, inner, outer, main] = [frame('driver'), frame('inner'), frame('outer'), frame('main')]
    expect(added([driver, inner, outer], [inner, outer, main])).toEqual([driver, inner, outer, main])
  })

  it('inserts those above the first one in the stack', () => {
    const [driver, inner, outer] = [frame('driver'), frame('inner'), frame('async outer')]
    expect(added([driver, outer], [inner, frame('outer', 2)])).toEqual([driver, inner, outer])
  })

  it('recognizes a function at another position', () => {
    const frames = [frame('driver'), frame('inner', 1), frame('outer')]
    expect(added(frames, [frame('inner', 2), frame('outer')])).toEqual(frames)
  })

  it('distinguishes functions without a name by their positions', () => {
    const [first, second] = ['    at /app/main.js:1:3', '    at async /app/main.js:9:3']
    expect(added([first], [first, second])).toEqual([first, second])
  })

  it('does not take a Promise.all for a caller', () => {
    const all = '    at async Promise.all (index 0)'
    expect(added([frame('driver'), all], [frame('inner'), all])).toEqual([
      frame('driver'),
      all,
      frame('inner'),
      all,
    ])
  })

  it('adds no frames of Node and of Sluice', () => {
    const own = `    at own (${import.meta.dirname.replace(/test\/pipeline$/, 'src')}/own.ts:1:1)`
    const node = '    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)'
    expect(added([frame('driver')], [own, node, frame('inner')])).toEqual([frame('driver'), frame('inner')])
  })

  it.each([1, 0])('adds at most as many frames as the app captures: %i', (most) => {
    Error.stackTraceLimit = most
    expect(added([frame('driver')], [frame('inner'), frame('outer')])).toHaveLength(1 + most)
  })

  it('adds the functions that await the rejected promise', async () => {
    const rejects = new Promise((_, reject) => setImmediate(reject, new Error('gone'))).catch((error) => {
      error.stack = 'Error: gone'
      addCallers(error)
      throw error
    })
    async function waits() {
      await rejects
    }
    const error: unknown = await waits().catch((thrown: unknown) => thrown)
    expect((error as Error).stack).toMatch(/^ +at .*waits .*error-stack\.test\.ts/m)
  })

  it.each([
    undefined,
    null,
    'text',
    {},
    { stack: 7 },
    Object.freeze(Object.assign(new Error('frozen'), { stack: 'Error: frozen' })),
  ])('leaves %s unchanged', (error) => {
    expect(() => addCallers(error, stackOf(frame('inner')))).not.toThrow()
  })
})

import { describe, expect, it } from 'vitest'
import { userFrames } from '../../src/pipeline/call-site.ts'

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

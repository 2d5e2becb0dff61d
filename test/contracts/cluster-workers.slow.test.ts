import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { TEST_MS } from '../support/patience.ts'
import { FLAGS } from '../support/typescript-process.ts'

const main = fileURLToPath(new URL('cluster-workers.main.ts', import.meta.url))

describe('a real node:cluster of three workers', () => {
  let results: Record<string, unknown>
  beforeAll(async () => {
    const args = [...FLAGS, main]
    results = JSON.parse(
      (
        await promisify(execFile)(process.execPath, args, {
          timeout: TEST_MS,
          env: { ...process.env, NODE_OPTIONS: '' },
        })
      ).stdout,
    )
  })

  it('shares the state of tags', () => {
    expect(results.opened).toMatchObject({ stamps: [expect.any(String), expect.any(String)] })
    expect(results.same).toEqual(results.opened)
  })

  it('shares entries, with their types', () => {
    expect(results.kept).toBe(true)
    expect(results.value).toBe(
      "{ at: 1970-01-01T00:00:00.000Z, big: 1180591620717411303424n, bytes: <Buffer 01 02>, none: undefined, map: Map(1) { 1 => Set(1) { 'a' } } }",
    )
  })

  it('notifies of writes, and closes the written tags', () => {
    expect(results.told).toEqual(['lost', 'a'])
    expect(results.closed).toBeNull()
    expect(results.ended).toMatchObject({ stamps: [expect.any(String)] })
  })

  it('delivers a reply that arrived while the worker was busy', () => {
    expect(results.busy).toMatchObject({ stamps: [expect.any(String)] })
  })

  it('keeps the tags of a killed worker closed until its lease expires', () => {
    expect(results.held).toBeNull()
    expect(results.lapsed).toMatchObject({ stamps: [expect.any(String)] })
  })

  it('lets workers exit on their own once their stores are closed', () => {
    expect(results.exits).toEqual([0, 0])
  })
})

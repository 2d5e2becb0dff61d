import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { MissingPackageError } from '@sluice/core'
import { JobBackendError } from '@sluice/core/jobs'
import type { RedisConnection } from 'bullmq'
import { describe, expect, it } from 'vitest'
import { BULLMQ_RANGE, BULLMQ_SCRIPTS, type BullmqScript, loadBullmq } from '../../src/jobs/load-bullmq.ts'

/**
 * The version whose scripts were tested, and the SHA-256 of each. If a script differs, run the suites of the
 * backend, then update its hash.
 */
const TRIED = '6.7.0'
const HASHES: Readonly<Record<BullmqScript, string>> = {
  addPrioritizedJob: 'd4652d1be004a3d7bfed76efdc706f2017f8dfd0080c51ab1f05457eeb1c3c77',
  addDelayedJob: 'e47c0db3c46bd84afab98fae90bba3b98cf6554e74df840801c39baccc627c4c',
  moveToActive: '7d35069db0b831af1bd1b2d5eb8d524e86fc7d3280b8c684a96b6614bad7d79a',
  moveToFinished: '8e744ec5d65dbe9e7ffb6e39a96c0268bba65e4f0b1d04e2d2a42ccb71b45a6d',
  moveToDelayed: '1a7b9311ef92fd66416973c29fa8b2c909cec58d0bfcf3e5ab53bb07ea1664d7',
  moveJobFromActiveToWait: 'ac9546cdd23294a20e0941aa531b52d83ce387e69a6a3c251af5ca0266bb0753',
  reprocessJob: '4ea1093385a876769f604fb60e2db13d993b0a801caaea7c2262a36ef589fdc7',
  removeJob: 'f2acb16fda20ccac200abd5289a8910e48870d454c1577b19bd375ab809bb4b6',
  pause: 'da797a84855a762e0d48310c70684504c42c86cdd7a1d941aba96300bbf3646c',
}

type Defined = { readonly name: string; readonly numberOfKeys: number }

/** A version of BullMQ that defines these scripts on a client. */
function bullmqWith(defined: readonly Defined[]) {
  class Connection {
    readonly client = Promise.resolve()
    constructor(client: { defineCommand(name: string, definition: object): void }) {
      for (const { name, numberOfKeys } of defined)
        client.defineCommand(`${name}:7.1.0`, { numberOfKeys, lua: '' })
    }
  }
  return () => Promise.resolve({ RedisConnection: Connection as unknown as typeof RedisConnection })
}

const keyCounts: Readonly<Record<BullmqScript, number>> = {
  addPrioritizedJob: 9,
  addDelayedJob: 6,
  moveToActive: 11,
  moveToFinished: 14,
  moveToDelayed: 11,
  moveJobFromActiveToWait: 9,
  reprocessJob: 9,
  removeJob: 2,
  pause: 7,
}
const all = Object.entries(keyCounts).map(([name, numberOfKeys]) => ({ name, numberOfKeys }))

describe('loadBullmq', () => {
  it.each(BULLMQ_SCRIPTS)(
    'finds the tested version of the script %s in the installed package',
    async (name) => {
      const bullmq = await loadBullmq()
      const hash = createHash('sha256').update(bullmq.lua(name)).digest('hex')
      const message = `BullMQ ${bullmq.version} has another script "${name}" than BullMQ ${TRIED}: see docs/internals/bullmq.md`
      expect(hash, message).toBe(HASHES[name])
    },
  )

  it('loads the tested version, which is in the range of the peer dependency', async () => {
    const { peerDependencies } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    )
    expect(peerDependencies.bullmq).toBe(BULLMQ_RANGE)
    expect(BULLMQ_RANGE).toBe(`~${TRIED}`)
    expect((await loadBullmq()).version).toBe(TRIED)
  })

  it('enables the fast path for the scripts that it was tested with', async () => {
    expect((await loadBullmq()).hasFastPath).toBe(true)
  })

  it('accepts a version with scripts of the same name and keys, without the fast path', async () => {
    expect(await loadBullmq(bullmqWith(all))).toMatchObject({ version: '7.1.0', hasFastPath: false })
  })

  it.each<[string, readonly Defined[]]>([
    [
      'its script "pause" takes 8 keys instead of 7',
      [...all.filter(({ name }) => name !== 'pause'), { name: 'pause', numberOfKeys: 8 }],
    ],
    ['its script "removeJob" is missing', all.filter(({ name }) => name !== 'removeJob')],
  ])('names the version and the script: %s', async (difference, defined) => {
    const loading = loadBullmq(bullmqWith(defined))
    await expect(loading).rejects.toThrow(JobBackendError)
    await expect(loading).rejects.toThrow(
      `BullMQ 7.1.0 is not supported: ${difference}. Install bullmq@~6.7.0.`,
    )
  })

  it('names the package when it is not installed', async () => {
    const missing = Object.assign(new Error("Cannot find package 'bullmq' imported from here"), {
      code: 'ERR_MODULE_NOT_FOUND',
    })
    await expect(loadBullmq(() => Promise.reject(missing))).rejects.toThrow(MissingPackageError)
  })
})

import { type Authorize, createSluice, memoryStore, type Sluice } from '@sluice/core'
import { createSluiceSchema, type SluiceMutationField } from '@sluice/graphql'
import { afterEach, describe, expect, it } from 'vitest'

interface Context {
  readonly user?: unknown
}
type Entry = Parameters<Authorize>[2] & {
  readonly actor: string | undefined
  readonly action: string
  readonly isAllowed: boolean
}

/** Mutations on caches and queues, with their entries in the audit log of the job engine. */
const onCachesAndQueues: readonly (readonly [SluiceMutationField, object, object])[] = [
  ['clearCache', {}, { action: 'clear-cache' }],
  ['clearCache', { namespace: 'prices' }, { action: 'clear-cache', namespace: 'prices' }],
  ['invalidateCacheByPattern', { pattern: 'kept*' }, { action: 'clear-cache', pattern: 'kept*' }],
  ['warmCache', { namespace: 'prices', data: { new: 1 } }, { action: 'warm-cache', namespace: 'prices' }],
  ['submitBatchJob', { name: 'mail', items: [1] }, { action: 'enqueue', queue: 'mail' }],
  ['retryDeadLetterTask', { taskId: 'letter' }, { action: 'retry' }],
  ['cancelBatchJob', { jobId: 'batch' }, { action: 'cancel' }],
]
/** Mutations of the monitor, which has no audit hook. */
const onOthers: readonly SluiceMutationField[] = ['triggerScaling', 'createScalingPolicy']

describe('mutation on a cache or queue', () => {
  let sluice: Sluice
  afterEach(() => sluice.close())

  function open(audited: Entry[]) {
    sluice = createSluice({
      cache: { store: memoryStore() },
      jobs: {
        authorize: (actor) => actor === 'ann' || actor === 'setup',
        audit: (entry) => void audited.push(entry),
      },
    })
    sluice.cache?.set('prices', 'kept', 1)
    return createSluiceSchema<Context>(sluice, {
      authorize: () => true,
      actor: ({ user }) => user as string | undefined,
      batchJobs: ['mail'],
    }).resolvers.Mutation
  }

  /** Replaces names with the IDs of a dead letter and of a batch. */
  async function withIds(args: object): Promise<Readonly<Record<string, unknown>>> {
    sluice.jobs?.registerProcessor('default', async () => {
      throw new Error('no')
    })
    const as = { actor: 'setup' }
    const letter = await sluice.jobs?.enqueueTask(1, 'normal', 'default', { maxRetries: 0, ...as })
    await sluice.jobs?.processNextTask()
    const batch = await sluice.jobs?.createBatchJob('mail', [1], 1, as)
    const ids: Readonly<Record<string, unknown>> = { letter: letter?.id, batch: batch?.id }
    return Object.fromEntries(
      Object.entries(args).map(([name, value]) => [name, ids[value as string] ?? value]),
    )
  }

  it.each(onCachesAndQueues)(
    'passes `authorize` and `audit` of the job engine: %s %j',
    async (field, args, entry) => {
      const audited: Entry[] = []
      const mutations = open(audited)
      const given = await withIds(args)
      audited.length = 0
      for (const user of ['bob', undefined])
        await expect(mutations[field](undefined, given, { user })).rejects.toMatchObject({
          extensions: { code: 'SLUICE_NOT_AUTHORIZED' },
        })
      expect(audited).toEqual(
        ['bob', undefined].map((actor) => expect.objectContaining({ actor, isAllowed: false, ...entry })),
      )
      expect([sluice.cache?.get('prices', 'kept'), sluice.cache?.get('prices', 'new')]).toEqual([1, null])
      await mutations[field](undefined, given, { user: 'ann' })
      expect(audited.at(-1)).toMatchObject({ actor: 'ann', isAllowed: true, ...entry })
    },
  )

  it('is every mutation except those of the monitor', () => {
    const tested = new Set([...onCachesAndQueues.map(([field]) => field), ...onOthers])
    expect(Object.keys(open([])).sort()).toEqual([...tested].sort())
  })

  it.each([[''], [7], [null]])('is rejected if `actor` returns %j', async (user) => {
    const audited: Entry[] = []
    const mutations = open(audited)
    for (const [field, args] of onCachesAndQueues)
      await expect(
        mutations[field](undefined, args as Readonly<Record<string, unknown>>, { user }),
      ).rejects.toMatchObject({
        extensions: { code: 'SLUICE_NOT_AUTHORIZED' },
      })
    expect([audited, sluice.cache?.get('prices', 'kept')]).toEqual([[], 1])
  })

  it('clears shared values too when it clears all', async () => {
    const mutations = open([])
    await sluice.tiered?.set('rate', 1)
    await mutations.clearCache(undefined, { namespace: 'prices' }, { user: 'ann' })
    expect(await sluice.tiered?.get('rate')).toBe(1)
    await mutations.clearCache(undefined, {}, { user: 'ann' })
    expect(await sluice.tiered?.get('rate')).toBeUndefined()
  })
})

import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { type BatchReply, ReadBatch } from '../../../../src/cache/stores/kit/read-batch.ts'

function batch() {
  const send = vi.fn(
    async (tags: readonly string[], keys: readonly string[]): Promise<BatchReply> => ({
      epoch: 'epoch',
      stamps: tags.map((tag) => `stamp of ${tag}`),
      entries: keys.map(() => null),
    }),
  )
  return { send, reads: new ReadBatch({ send, decode: () => undefined }) }
}

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve))

describe('ReadBatch', () => {
  it('batches all reads of one event-loop tick, including those after microtasks', async () => {
    const { send, reads } = batch()
    const first = reads.read(['a', 'b'], 'one')
    await nextTick()
    await nextTick()
    const second = reads.read(['b', 'c'], 'two')
    expect((await first).stamps).toEqual(['stamp of a', 'stamp of b'])
    expect((await second).stamps).toEqual(['stamp of b', 'stamp of c'])
    expect(send).toHaveBeenCalledExactlyOnceWith(['a', 'b', 'c'], ['one', 'two'])
  })

  it('sends a new batch for reads of a later tick', async () => {
    const { send, reads } = batch()
    const first = reads.read(['a'], undefined)
    await nextTurn()
    const second = reads.read(['a'], undefined)
    await Promise.all([first, second])
    expect(send).toHaveBeenCalledTimes(2)
  })

  it('sends a batch immediately when it has many keys, so that no reply blocks the server for long', async () => {
    const { send, reads } = batch()
    const all = Array.from({ length: 2_001 }, (_, index) => reads.read([], `key ${index}`))
    expect(send).toHaveBeenCalledTimes(1)
    await Promise.all(all)
  })

  it('rejects every read of a batch that fails', async () => {
    const { send, reads } = batch()
    send.mockRejectedValueOnce(new Error('no connection'))
    const both = await Promise.allSettled([reads.read(['a'], 'one'), reads.read(['b'], 'two')])
    expect(both.map((one) => one.status === 'rejected' && String(one.reason))).toEqual([
      'Error: no connection',
      'Error: no connection',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { Refusal } from '../../src/http/responses.ts'
import { actInAll } from '../../src/processes/act-in-all.ts'
import type { Answer, Question } from '../../src/processes/peers.ts'

/** @param answers - Answers of the other processes, in order. */
function world(own: () => unknown, answers: readonly (Answer | undefined)[], hasSharedJobs = false) {
  const asked: Question[] = []
  const peers = {
    others: async () => answers.map((_, at) => String(at)),
    query: async (process: string, question: Question) => {
      asked.push(question)
      return answers[Number(process)]
    },
  }
  return { asked, parts: { peers, act: async () => own(), actor: 'ann', hasSharedJobs } }
}

const failed: Answer = { error: { code: 'OFF', message: 'off' } }
const refuse = (code: 'OFF' | 'BAD_BODY') => () => {
  throw new Refusal(code, code)
}

describe('action in several processes', () => {
  it('succeeds if it succeeds in any process', async () => {
    const { parts, asked } = world(() => ({ done: false }), [failed, { value: { done: true } }, undefined])
    expect(await actInAll('acknowledge-alert', { id: 'a' }, parts)).toEqual({ done: true })
    expect(asked).toHaveLength(3)
    expect(asked[0]).toMatchObject({ actor: 'ann' })
    expect(
      await actInAll(
        'acknowledge-alert',
        { id: 'a' },
        world(() => ({ done: false }), [{ value: { done: false } }]).parts,
      ),
    ).toEqual({
      done: false,
    })
  })

  it('fails with the error of this process if it fails in all', async () => {
    await expect(
      actInAll('pause-queue', { queue: 'q' }, world(refuse('OFF'), [failed, undefined]).parts),
    ).rejects.toThrow('OFF')
    expect(
      await actInAll(
        'pause-queue',
        { queue: 'q' },
        world(refuse('OFF'), [failed, { value: { done: true } }]).parts,
      ),
    ).toEqual({
      done: true,
    })
  })

  it('does not ask other processes if the request is invalid', async () => {
    const { parts, asked } = world(refuse('BAD_BODY'), [{ value: { done: true } }])
    await expect(actInAll('drain-node', {}, parts)).rejects.toThrow('BAD_BODY')
    expect(asked).toEqual([])
  })

  it('retries dead letters up to a common limit', async () => {
    const { parts, asked } = world(
      () => ({ count: 2 }),
      [failed, { value: { count: 3 } }, { value: { count: 9 } }],
    )
    expect(await actInAll('retry-dead-letters', { queue: 'q', limit: 5 }, parts)).toEqual({ count: 5 })
    expect(asked.map((question) => question.kind === 'act' && question.body.limit)).toEqual([3, 3])
  })

  it('retries shared dead letters once', async () => {
    const { parts, asked } = world(() => ({ count: 2 }), [{ value: { count: 2 } }], true)
    expect(await actInAll('discard-dead-letters', {}, parts)).toEqual({ count: 2 })
    expect(asked).toEqual([])
  })

  it('explains a statement in one process, preferably this one', async () => {
    const own = world(() => ({ steps: ['own'] }), [{ value: { steps: ['other'] } }])
    expect(await actInAll('explain', { fingerprint: 'f' }, own.parts)).toEqual({ steps: ['own'] })
    expect(own.asked).toEqual([])
    const other = world(refuse('OFF'), [
      failed,
      { value: { steps: ['other'] } },
      { value: { steps: ['third'] } },
    ])
    expect(await actInAll('explain', { fingerprint: 'f' }, other.parts)).toEqual({ steps: ['other'] })
    expect(other.asked).toHaveLength(2)
    await expect(
      actInAll('explain', { fingerprint: 'f' }, world(refuse('OFF'), [failed]).parts),
    ).rejects.toThrow('OFF')
  })
})

import { InvalidArgumentError, InvalidOptionError } from '@sluice/core'
import { redisProcesses } from '@sluice/redis'
import type { Cluster, Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startRedisCluster } from '../services/redis-cluster.ts'
import { findRedisServer, startRedisServer } from '../services/redis-server.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { clients } from './redis-worlds.ts'

const soon = () => AbortSignal.timeout(SOON.timeout)

/** Processes with a link each, over clients created by `connect`. */
function linked(connect: () => Redis | Cluster, namespace = 'shop') {
  return async (
    id: string,
    answer: (question: string) => Promise<string> = async (question) => `${id}: ${question}`,
  ) => {
    const redis = connect()
    redis.on('error', () => {})
    onTestFinished(() => redis.disconnect())
    const link = redisProcesses(redis, { namespace })
    onTestFinished(() => link.close())
    await link.open(id, answer)
    return link
  }
}

async function findOneAnother(open: ReturnType<typeof linked>): Promise<void> {
  const [a, b] = [await open('a'), await open('b')]
  await open('c')
  for (const link of [a, b]) await expect.poll(async () => (await link.others()).length, SOON).toBe(2)
  expect((await a.others()).toSorted()).toEqual(['b', 'c'])
  const questions = Array.from({ length: 50 }, (_, at) => `question ${at}`)
  const answers = await Promise.all(
    questions.map((question, at) => (at % 2 === 0 ? a : b).request('c', question, soon())),
  )
  expect(answers).toEqual(questions.map((question) => `c: ${question}`))
  const long = 'ü'.repeat(500_000)
  expect(await a.request('b', long, soon())).toBe(`b: ${long}`)
  await b.close()
  await expect.poll(() => a.others(), SOON).toEqual(['c'])
  await expect(a.request('b', 'there?', AbortSignal.timeout(300))).rejects.toThrow()
}

describe.skipIf(findRedisServer() === undefined).each(Object.entries(clients))(
  'processes over Redis, %s',
  (_, Client) => {
    it('discover and reply to one another, and store nothing in Redis', async () => {
      const server = await startRedisServer()
      onTestFinished(() => server.stop())
      const connect = () =>
        new Client({ port: server.port, host: '127.0.0.1', keyPrefix: 'app:', lazyConnect: true })
      await findOneAnother(linked(connect))
      expect(await server.run('KEYS', '*')).toEqual([])
      const other = await linked(connect, 'other')('d')
      expect(await other.others()).toEqual([])
      await other.close()
      await other.close()
      // Those of a and c, which have two each, and that of the requester.
      await expect
        .poll(
          async () =>
            String(await server.run('CLIENT', 'LIST'))
              .trim()
              .split('\n').length,
          SOON,
        )
        .toBe(5)
    })

    it('discover one another on a Cluster, regardless of the node', { timeout: TEST_MS }, async () => {
      const cluster = await startRedisCluster()
      onTestFinished(() => cluster.stop())
      await findOneAnother(linked(() => new Client.Cluster([...cluster.startupNodes], { lazyConnect: true })))
    })

    it('join when Redis starts, and again after a restart', { timeout: TEST_MS }, async () => {
      const server = await startRedisServer()
      onTestFinished(() => server.stop())
      await server.kill()
      const open = linked(() => new Client({ port: server.port, host: '127.0.0.1', lazyConnect: true }))
      const [a, b] = [await open('a'), await open('b')]
      await expect(a.others()).rejects.toThrow()
      await expect(a.request('b', 'there?', soon())).rejects.toThrow()
      for (let time = 0; time < 2; time += 1) {
        await server.start()
        await expect.poll(() => a.request('b', 'there?', soon()).catch(() => 'no'), SOON).toBe('b: there?')
        expect(await b.others()).toEqual(['a'])
        await server.kill()
      }
    })

    it('wait for a reply no longer than the given signal', async () => {
      const server = await startRedisServer()
      onTestFinished(() => server.stop())
      const open = linked(() => new Client({ port: server.port, host: '127.0.0.1', lazyConnect: true }))
      const a = await open('a')
      await open('mute', () => new Promise(() => {}))
      await open('failing', () => Promise.reject(new Error('no')))
      await expect.poll(async () => (await a.others()).length, SOON).toBe(2)
      for (const process of ['mute', 'failing'])
        await expect(a.request(process, 'there?', AbortSignal.timeout(200))).rejects.toThrow(/timeout/i)
      await expect(a.request('nobody', 'there?', soon())).rejects.toThrow('no process nobody listens there')
      await expect(a.request('mute', 'there?', AbortSignal.abort())).rejects.toThrow()
      // Invalid messages are ignored.
      await server.run('PUBLISH', 'shop:process:a', 'nonsense')
      await server.run('PUBLISH', 'shop:process:a', '{"id":"x","answer":"late"}')
      await open('b')
      expect(await a.request('b', 'there?', soon())).toBe('b: there?')
    })

    it('reject invalid arguments', () => {
      const redis = new Client({ lazyConnect: true })
      expect(() => redisProcesses({} as never)).toThrow(InvalidArgumentError)
      expect(() => redisProcesses(redis, { namespace: 'a b' })).toThrow(InvalidOptionError)
      expect(() => redisProcesses(redis, { commandTimeoutMs: 0 })).toThrow(InvalidOptionError)
      expect(() => redisProcesses(redis, { prefix: 'x' } as never)).toThrow(InvalidOptionError)
      redis.disconnect()
    })
  },
)

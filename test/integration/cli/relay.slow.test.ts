import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type RedisStore, redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { schemaProblems } from '../../../packages/cli/test/support/schema-problems.ts'
import { eventually } from '../../redis/witness.ts'
import { findRedisServer, type RedisServer, startRedisServer } from '../../services/redis-server.ts'
import { type CliProject, cliProject } from '../../support/run-cli.ts'

describe.skipIf(findRedisServer() === undefined)('sluice relay', () => {
  let us: RedisServer
  let eu: RedisServer
  let project: CliProject
  let store: RedisStore
  const clients: Redis[] = []

  beforeAll(async () => {
    project = cliProject()
    us = await startRedisServer()
    eu = await startRedisServer()
    const clientOf = ({ url }: RedisServer) => {
      const redis = new Redis(url, { lazyConnect: true })
      clients.push(redis)
      return redis
    }
    store = redisStore(clientOf(eu), { remoteRegions: { us: clientOf(us) } })
  })
  afterAll(async () => {
    await store?.close()
    for (const client of clients) client.disconnect()
    await Promise.all([us?.stop(), eu?.stop()])
    project?.remove()
  })

  const relay = (...args: string[]) => {
    const started = project.start(['relay', '--region', 'us', '--from', us.url, '--to', eu.url, ...args])
    onTestFinished(() => void started.child.kill('SIGKILL'))
    return started
  }
  const firstLine = async (stream: Readable | null, pattern: RegExp): Promise<string> => {
    if (stream === null) throw new Error('Expected a pipe.')
    for await (const line of createInterface(stream)) if (pattern.test(line)) return line
    throw new Error('The relay ended.')
  }

  it('relays until it is terminated, and prints its state as JSON', async () => {
    const running = relay('--json')
    const line = await firstLine(running.child.stdout, /"fresh"/)
    expect(schemaProblems('relay', line)).toEqual([])
    expect(JSON.parse(line)).toMatchObject({ schemaVersion: 1, region: 'us', state: 'fresh', errors: 0 })
    await eventually(() => store.open(['a']))
    running.child.kill('SIGTERM')
    const { code, err } = await running.ended
    expect(code).toBe(143)
    expect(err).toMatch(
      /^Relaying writes of us from redis:\/\/127.0.0.1:\d+ to redis:\/\/127.0.0.1:\d+, up to 1000 ms late\n$/,
    )
  })

  it('leaves a cache that serves nothing when it is killed, which sluice doctor reports', async () => {
    writeFileSync(join(project.folder, 'package.json'), '{ "name": "app" }')
    writeFileSync(
      join(project.folder, 'app.ts'),
      "import { redisStore } from '@sluice/redis'\nexport const store = redisStore(redis)\n",
    )
    const running = relay()
    expect(await firstLine(running.child.stdout, / fresh /)).toMatch(
      /confirmed \d+ ms ago {2}lag p50 \d+ ms, p99 \d+ ms/,
    )
    await eventually(() => store.open(['a']))
    const doctor = () => project.run(['doctor'], { REDIS_URL: eu.url })
    expect((await doctor()).out).toMatch(/ok {4}relay from us: lag p50 \d+ ms, p99 \d+ ms, bound 1000 ms/)
    running.child.kill('SIGKILL')
    await once(running.child, 'exit')
    await eventually(async () => ((await store.read(['a'])).epoch === undefined ? true : undefined))
    expect(await store.open(['a'])).toBeUndefined()
    const { code, out } = await doctor()
    expect(code).toBe(1)
    expect(out).toMatch(/fail {2}the relay from us has confirmed nothing for \d+ s/)
  })

  it('reports the first error of an outage, and retries', async () => {
    const running = project.start([
      'relay',
      '--region',
      'us',
      '--from',
      'redis://ann:secret@127.0.0.1:1',
      '--to',
      eu.url,
      '--interval',
      '0.5',
    ])
    onTestFinished(() => void running.child.kill('SIGKILL'))
    await firstLine(running.child.stderr, /Retrying$/)
    await firstLine(running.child.stdout, / stale {2}never confirmed/)
    running.child.kill('SIGTERM')
    const { code, out, err } = await running.ended
    expect(code).toBe(143)
    expect(err).toMatch(
      /^Relaying .*\nsluice relay: Redis of the region "us" cannot be used: .*\. Retrying\n$/,
    )
    expect(`${out}${err}`).not.toContain('secret')
  })
})

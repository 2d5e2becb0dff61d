import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Cluster, Command, Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { gatherWrites } from '../../src/server/server.ts'

/** A socket that records the data of each system call. */
function socketOf(calls: string[]) {
  return new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      calls.push(String(chunk))
      done()
    },
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join(' '))
      done()
    },
  })
}

/** The part of an ioredis connection that writes. */
function connection() {
  const calls: string[] = []
  const redis = {
    isCluster: false,
    stream: socketOf(calls) as Writable | undefined,
    sendCommand(this: { stream: Writable | undefined }, command: string) {
      this.stream?.write(command)
    },
  }
  return {
    redis,
    calls,
    send: (command: string) => (redis as unknown as Redis).sendCommand(command as unknown as Command),
  }
}

describe('gatherWrites', () => {
  it('writes the commands of one tick together, in order', async () => {
    const { redis, calls, send } = connection()
    gatherWrites(redis as unknown as Redis)
    send('SET a')
    await Promise.resolve()
    send('SET b')
    expect(calls).toEqual([])
    await nextTurn()
    expect(calls).toEqual(['SET a SET b'])
    send('GET a')
    await nextTurn()
    expect(calls).toEqual(['SET a SET b', 'GET a'])
  })

  it('flushes before a connection ends, and ignores connections that ended or do not exist', async () => {
    const { redis, calls, send } = connection()
    gatherWrites(redis as unknown as Redis)
    send('SET a')
    redis.stream?.end()
    expect(calls).toEqual(['SET a'])
    await nextTurn()
    redis.stream = socketOf(calls).destroy()
    redis.stream.on('error', () => {})
    send('SET b')
    redis.stream = undefined
    send('SET c')
    await nextTurn()
    expect(calls).toEqual(['SET a'])
  })

  it('batches writes for each connection of a Cluster', async () => {
    const cluster = Object.assign(new EventEmitter(), { isCluster: true })
    gatherWrites(cluster as unknown as Cluster)
    const { redis, calls, send } = connection()
    cluster.emit('+node', redis)
    send('SET a')
    send('SET b')
    await nextTurn()
    expect(calls).toEqual(['SET a SET b'])
  })
})

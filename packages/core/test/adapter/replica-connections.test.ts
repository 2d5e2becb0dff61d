import { describe, expect, it } from 'vitest'
import { ReplicaConnections } from '../../src/adapter/replica-connections.ts'
import type { ReplicaAttempt } from '../../src/pipeline/read-routing.ts'

describe('ReplicaConnections', () => {
  function opened() {
    const log: string[] = []
    const idle = [{ name: 'a' }, { name: 'b' }]
    const connections = new ReplicaConnections<{ readonly name: string }>({
      async acquire(index) {
        log.push(`acquire from ${index}`)
        return idle.shift() as { name: string }
      },
      release(connection) {
        log.push(`release ${connection.name}`)
        idle.unshift(connection)
      },
      async query({ name }, sql) {
        log.push(`${sql} on ${name}`)
        return []
      },
      abandon: ({ name }) => void log.push(`abandon ${name}`),
    })
    let abandon = () => {}
    const attempt = (admits = true): ReplicaAttempt => ({
      index: 1,
      hasRequiredPosition: true,
      async admit(query) {
        await query('position')
        if (!admits) throw new Error('It lags.')
      },
      onAbandoned(callback) {
        abandon = callback
      },
    })
    const read = (of: ReplicaAttempt) =>
      connections.use(of, async ({ name }) => {
        log.push(`read on ${name}`)
        return name
      })
    return { log, connections, attempt, read, abandon: () => abandon() }
  }

  it('verifies each connection before its first read', async () => {
    const { log, attempt, read } = opened()
    expect(await read(attempt())).toBe('a')
    expect(await read(attempt())).toBe('a')
    const once = ['acquire from 1', 'position on a', 'read on a', 'release a']
    expect(log).toEqual([...once, ...once.filter((line) => line !== 'position on a')])
  })

  it('does not read on a connection that is not verified, and verifies it again', async () => {
    const { log, attempt, read } = opened()
    await expect(read(attempt(false))).rejects.toThrow('It lags.')
    await read(attempt())
    const first = ['acquire from 1', 'position on a', 'release a']
    expect(log).toEqual([...first, 'acquire from 1', 'position on a', 'read on a', 'release a'])
  })

  it('closes the connection of a read that is abandoned, but not after the read', async () => {
    const { log, connections, attempt, abandon } = opened()
    await connections.use(attempt(), async () => abandon())
    abandon()
    expect(log).toEqual(['acquire from 1', 'position on a', 'abandon a', 'release a'])
  })

  it('does not read if the read was abandoned while it waited for a connection', async () => {
    const { log, attempt, read, abandon } = opened()
    const reading = read(attempt())
    abandon()
    await expect(reading).rejects.toThrow('abandoned')
    expect(log).toEqual(['acquire from 1', 'release a'])
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { findRedisServer, type RedisServer, startRedisServer } from './redis-server.ts'
import { ServiceUnavailableError } from './service.ts'
import { type SupervisedServer, superviseServer } from './supervise.ts'

const NAME = 'main'
const DOWN_AFTER_MS = 500
const TIMEOUT_MS = 20_000

/** A master, its replica, and a Sentinel that promotes the replica when the master fails. */
export interface SentinelSetUp {
  readonly master: RedisServer
  readonly replica: RedisServer
  /** Options with which ioredis finds the master. */
  readonly options: {
    readonly sentinels: { readonly host: string; readonly port: number }[]
    readonly name: string
  }
  /** Waits until the replica has become the master. */
  untilPromoted(): Promise<void>
  stop(): Promise<void>
}

/** @throws ServiceUnavailableError if this machine has no `redis-server`. */
export async function startSentinel(): Promise<SentinelSetUp> {
  const binary = findRedisServer()
  if (binary === undefined) throw new ServiceUnavailableError('No redis-server on PATH or in /usr/bin.')
  const servers: RedisServer[] = []
  let sentinel: SupervisedServer | undefined
  const stop = async (): Promise<void> => {
    await sentinel?.stop()
    await Promise.all(servers.map((server) => server.stop()))
  }
  try {
    const master = await startRedisServer({ 'repl-diskless-sync-delay': '0' })
    servers.push(master)
    const replica = await startRedisServer()
    servers.push(replica)
    await replica.run('REPLICAOF', '127.0.0.1', master.port)
    await poll(async () => /master_link_status:up/.test(await replication(replica)))
    const port = await freePort()
    const settings = [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor ${NAME} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${NAME} 2000`,
    ]
    sentinel = await superviseServer({
      // Sentinel writes its state to this file.
      prepare: (folder) => writeFile(join(folder, 'sentinel.conf'), `${settings.join('\n')}\n`),
      commands: (folder) => [[binary, join(folder, 'sentinel.conf'), '--sentinel']],
      ready: /\+slave slave/,
      stopSignal: 'KILL',
    })
    return {
      master,
      replica,
      options: { sentinels: [{ host: '127.0.0.1', port }], name: NAME },
      untilPromoted: () => poll(async () => /role:master/.test(await replication(replica))),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function replication(server: RedisServer): Promise<string> {
  return String(await server.run('INFO', 'replication'))
}

async function poll(isSo: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + TIMEOUT_MS
  // A Sentinel that reconfigures a server ends its clients' connections.
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > until) throw new Error(`It was not so within ${TIMEOUT_MS / 1_000} s.`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findBinary, versionedFolders } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { onPostgres } from './postgres.ts'
import { superviseServer } from './supervise.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

/** A PostgreSQL and its streaming replicas. */
export interface PostgresPair {
  readonly primary: string
  readonly replicas: readonly PostgresReplica[]
  stop(): Promise<void>
}

export interface PostgresReplica {
  readonly url: string
  /** Ends it without warning, all of its processes. It is started again by `restart`. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** Its processes stand still: it accepts connections, and answers nothing. */
  hang(): void
  /** They go on. */
  resume(): void
}

const BINARIES = ['initdb', 'postgres', 'pg_basebackup']

/** The folder of a PostgreSQL of the machine that can be replicated; a text says why there is none. */
export function findReplication(): { readonly folder: string } | string {
  const folders = versionedFolders('/usr/lib/postgresql', 'bin')
  const folder = folders.find((one) => BINARIES.every((name) => existsSync(join(one, name))))
  if (folder !== undefined) return { folder }
  const missing = BINARIES.filter((name) => findBinary(name, folders) === undefined)
  return `No PostgreSQL with ${(missing.length === 0 ? BINARIES : missing).join(', ')} in /usr/lib/postgresql.`
}

/** Starts a primary, and replicas that are made from it. */
export async function startPostgresPair(folder: string, replicaCount = 1): Promise<PostgresPair> {
  const user = unprivilegedUser(['postgres'])
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '100', fsync: 'off' }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one()
  }
  try {
    const port = await freePort()
    const server = await superviseServer({
      commands: (place) => {
        const data = join(place, 'data')
        return [
          [join(folder, 'initdb'), '-D', data, '-U', 'sluice', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'],
          [join(folder, 'postgres'), '-D', data, '-p', String(port), ...flags, '-c', 'wal_level=replica', '-c', 'max_wal_senders=10'],
        ]
      },
      ready: /ready to accept connections/,
      stopSignal: 'INT',
      user,
    })
    stops.push(server.stop)
    const primary = `postgresql://sluice@127.0.0.1:${port}/postgres`
    const replicas: PostgresReplica[] = []
    for (let i = 0; i < replicaCount; i += 1) replicas.push(await startReplica(folder, port, flags, user, stops))
    return { primary, replicas, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startReplica(
  folder: string,
  primaryPort: number,
  flags: readonly string[],
  user: ReturnType<typeof unprivilegedUser>,
  stops: (() => Promise<void>)[],
): Promise<PostgresReplica> {
  const port = await freePort()
  let place = ''
  const server = await superviseServer({
    prepare: async (made) => {
      place = made
    },
    commands: (made) => {
      const data = join(made, 'data')
      const connection = `host=127.0.0.1 port=${primaryPort} user=sluice`
      const postgres = [join(folder, 'postgres'), '-D', data, '-p', String(port), ...flags].join(' ')
      // It comes back when it is killed, unless a file says that it is to stay down.
      const loop = `while :; do ${postgres}; while [ -e ${join(made, 'down')} ]; do sleep 0.05; done; rm -f ${join(data, 'postmaster.pid')}; done`
      return [
        [join(folder, 'pg_basebackup'), '-D', data, '-R', '-X', 'stream', '--checkpoint=fast', '--no-sync', '-d', connection],
        ['/bin/sh', '-c', loop],
      ]
    },
    ready: /ready to accept read-only connections/,
    stopSignal: 'KILL',
    user,
  })
  const processes = () => {
    const pid = Number(readFileSync(join(place, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0])
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
    return [pid, ...children]
  }
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processes()) {
      try {
        process.kill(pid, name)
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  const url = `postgresql://sluice@127.0.0.1:${port}/postgres`
  const down = () => join(place, 'down')
  stops.push(async () => {
    await writeFile(down(), '')
    signal('SIGKILL')
    await server.stop()
  })
  return {
    url,
    async kill() {
      await writeFile(down(), '')
      signal('SIGKILL')
    },
    async restart() {
      await rm(down())
      await untilReady(url)
    },
    hang: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  }
}

async function untilReady(url: string): Promise<void> {
  const until = Date.now() + 30_000
  for (;;) {
    try {
      await onPostgres(url, 'SELECT 1')
      return
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

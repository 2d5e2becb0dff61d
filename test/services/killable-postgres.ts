import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { onPostgres } from './postgres.ts'
import { superviseServer } from './supervise.ts'
import { unprivilegedUser } from './unprivileged-user.ts'

/** A PostgreSQL that can be killed and restarted. */
export interface KillablePostgres {
  readonly url: string
  /** Kills all of its processes without warning. `restart` starts it again. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** Suspends its processes: it accepts connections, but does not reply. */
  hang(): void
  /** Resumes its processes. */
  resume(): void
  stop(): Promise<void>
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  fsync: 'off',
}

/** Settings as arguments of `postgres`. */
const POSTGRES_FLAGS: readonly string[] = Object.entries(SETTINGS).flatMap(([name, value]) => [
  '-c',
  `${name}=${value}`,
])

function initdbCommand(folder: string, data: string): readonly string[] {
  return [
    join(folder, 'initdb'),
    '-D',
    data,
    '-U',
    'sluice',
    '--auth=trust',
    '--no-sync',
    '--encoding=UTF8',
    '--locale=C',
  ]
}

/**
 * Starts a server that is restarted whenever it ends.
 *
 * @param folder - The folder of the binaries.
 * @param prepare - The command that creates its data. Default: an empty data folder.
 */
export async function startKillablePostgres(
  folder: string,
  prepare: (data: string) => readonly string[] = (data) => initdbCommand(folder, data),
  ready: RegExp = /ready to accept connections/,
): Promise<KillablePostgres> {
  const port = await freePort()
  let place = ''
  const server = await superviseServer({
    prepare: async (made) => {
      place = made
    },
    commands: (made) => {
      const data = join(made, 'data')
      const postgres = [join(folder, 'postgres'), '-D', data, '-p', String(port), ...POSTGRES_FLAGS].join(' ')
      // It restarts after it is killed, unless a file tells it to stay down.
      const loop = `while :; do ${postgres}; while [ -e ${join(made, 'down')} ]; do sleep 0.05; done; rm -f ${join(data, 'postmaster.pid')}; done`
      return [prepare(data), ['/bin/sh', '-c', loop]]
    },
    ready,
    stopSignal: 'KILL',
    user: unprivilegedUser(['postgres']),
  })
  const processes = () => {
    const pid = Number(readFileSync(join(place, 'data', 'postmaster.pid'), 'utf8').split('\n', 1)[0])
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number)
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
  const kill = async () => {
    await writeFile(down(), '')
    signal('SIGKILL')
  }
  return {
    url,
    kill,
    async restart() {
      await rm(down())
      await untilReady(url)
    },
    hang: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async stop() {
      await kill()
      await server.stop()
    },
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

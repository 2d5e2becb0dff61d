import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { superviseServer } from './supervise.ts'
import type { SystemUser } from './unprivileged-user.ts'

/** A primary and its replicas. */
export interface ReplicaPair {
  readonly primary: string
  readonly replicas: readonly PairReplica[]
  stop(): Promise<void>
}

export interface PairReplica extends ReplicaServer {
  readonly url: string
  /** Keeps receiving the writes of the primary, but applies none of them. */
  pauseReplay(): Promise<void>
  resumeReplay(): Promise<void>
}

/** A server that can fail like real servers do. */
export interface ReplicaServer {
  /** Kills all of its processes without warning. `restart` starts it again. */
  kill(): Promise<void>
  /** Settles when it replies. */
  restart(): Promise<void>
  /** Suspends its processes: it accepts connections, but does not reply. */
  hang(): void
  /** Resumes its processes. */
  resume(): void
}

export interface ReplicaServerPlan {
  /** Creates the server's files in a folder. */
  setUp(folder: string): readonly (readonly string[])[]
  /** Starts the server; none of its words needs quotes. */
  server(folder: string): readonly string[]
  /** The file in that folder that begins with the number of the server's process. */
  readonly pidFile: string
  readonly ready: RegExp
  readonly user: SystemUser | undefined
  /** Rejects while the server does not reply. */
  ping(): Promise<unknown>
}

/** Starts a server that is restarted whenever it ends, until it is stopped. */
export async function startReplicaServer(
  plan: ReplicaServerPlan,
): Promise<ReplicaServer & { stop(): Promise<void> }> {
  let place = ''
  const server = await superviseServer({
    prepare: async (made) => {
      place = made
    },
    commands: (made) => {
      // It restarts after it is killed, unless a file tells it to stay down.
      const wait = `while [ -e ${join(made, 'down')} ]; do sleep 0.05; done`
      const loop = `while :; do ${plan.server(made).join(' ')}; ${wait}; rm -f ${join(made, plan.pidFile)}; done`
      return [...plan.setUp(made), ['/bin/sh', '-c', loop]]
    },
    ready: plan.ready,
    stopSignal: 'KILL',
    user: plan.user,
  })
  const down = () => join(place, 'down')
  const signal = (name: NodeJS.Signals) => {
    for (const pid of processesOf(join(place, plan.pidFile))) {
      try {
        process.kill(pid, name)
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  const kill = async () => {
    await writeFile(down(), '')
    signal('SIGKILL')
  }
  return {
    kill,
    async restart() {
      await rm(down())
      await untilAnswers(plan.ping)
    },
    hang: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    async stop() {
      if (existsSync(join(place, plan.pidFile))) await kill()
      await server.stop()
    },
  }
}

/** A server and the processes that it started. */
function processesOf(pidFile: string): readonly number[] {
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n', 1)[0])
  try {
    return [
      pid,
      ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    ]
  } catch {
    return [pid]
  }
}

async function untilAnswers(ping: () => Promise<unknown>): Promise<void> {
  const until = Date.now() + 30_000
  for (;;) {
    try {
      await ping()
      return
    } catch (error) {
      if (Date.now() > until) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

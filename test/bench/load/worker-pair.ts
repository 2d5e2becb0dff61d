import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { join } from 'node:path'
import { PLAN, type WorkerCounts, type WorkerPlan } from './worker-plan.ts'

export const WORKERS = 2

/** The workers of one app, on one port. */
export class WorkerPair {
  readonly origin: string
  readonly #workers: readonly Worker[]

  private constructor(port: number, workers: readonly Worker[]) {
    this.origin = `http://127.0.0.1:${port}`
    this.#workers = workers
  }

  /** Resolves once all of them listen. */
  static async start(plan: WorkerPlan): Promise<WorkerPair> {
    cluster.setupPrimary({ exec: join(import.meta.dirname, 'worker.ts'), args: [] })
    const workers = Array.from({ length: WORKERS }, () =>
      cluster.fork({ [PLAN]: JSON.stringify(plan), NODE_ENV: 'production' }),
    )
    const pair = new WorkerPair(plan.port, workers)
    try {
      await Promise.all(workers.map((worker) => answerOf(worker)))
      return pair
    } catch (error) {
      await pair.stop()
      throw error
    }
  }

  /** The sum of all workers. */
  async counts(): Promise<WorkerCounts> {
    const all = await Promise.all(
      this.#workers.map((worker) => {
        const answer = answerOf<WorkerCounts>(worker)
        worker.send('counts')
        return answer
      }),
    )
    const sum = (of: keyof WorkerCounts) => all.reduce((total, one) => total + one[of], 0)
    return {
      requests: sum('requests'),
      hits: sum('hits'),
      misses: sum('misses'),
      statements: sum('statements'),
      cpuMs: sum('cpuMs'),
      rssMb: sum('rssMb'),
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        if (worker.isDead()) return
        const ended = once(worker, 'exit')
        worker.disconnect()
        await ended
      }),
    )
  }
}

/** The next message of a worker. */
function answerOf<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (code: number) => reject(new Error(`A worker ended with ${code}.`))
    worker.once('exit', fail)
    worker.once('message', (message: T) => {
      worker.off('exit', fail)
      resolve(message)
    })
  })
}

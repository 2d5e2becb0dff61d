import type { Progress } from '@sluice/example-atlas/progress'
import { createRandom } from '@sluice/example-atlas/random'
import type { Cluster } from './open-cluster.ts'
import { STEPS, type Step, untilUsed } from './steps.ts'
import type { Tally } from './tally.ts'
import { Traffic } from './traffic.ts'

const SEED = 11
/** Before a disturbance, and after all is in order again. */
const CALM_MS = 1_000
const WARM_REQUESTS = 300
const WARM_WITHIN_MS = 15_000
const LOOK_EVERY_MS = 50

export interface StepResult {
  readonly name: string
  readonly tally: Tally
  /**
   * Milliseconds from when what was disturbed was there again to when it was used again; `undefined`: nothing
   * was disturbed.
   */
  readonly usedAgainMs: number | undefined
}

export interface RunPlan {
  readonly cluster: Cluster
  readonly seconds: number
  readonly visitors: number
  readonly keepsCookies: boolean
  readonly progress: Progress
  /** @defaultValue all */
  readonly steps?: readonly Step[]
  /** Told where things are counted from now on. */
  readonly onTally: (tally: Tally) => void
}

/** Lets visitors in, and disturbs the cluster in one way after the other. */
export async function runSteps({
  cluster,
  seconds,
  visitors,
  keepsCookies,
  progress,
  steps = STEPS,
  onTally,
}: RunPlan): Promise<StepResult[]> {
  const { front, nextVisit } = cluster
  const traffic = new Traffic({
    origin: front.origin,
    visitors,
    keepsCookies,
    random: createRandom(SEED),
    nextVisit,
  })
  try {
    await warmUp(traffic.tally, progress)
    const results: StepResult[] = []
    for (const step of steps) {
      progress.start(step.name, 1)
      traffic.mayLoseWrites = step.mayLoseWrites === true
      const tally = traffic.begin()
      onTally(tally)
      await pause(CALM_MS)
      await step.disturb?.(cluster)
      await pause(seconds * 1_000)
      await step.repair?.(cluster)
      const usedAgainMs = await untilUsed(step, cluster, tally)
      await pause(CALM_MS)
      progress.finish(`${step.name}: ${tally.answers.length.toLocaleString('en')} requests`)
      results.push({ name: step.name, tally, usedAgainMs })
    }
    return results
  } finally {
    await traffic.stop()
  }
}

/** Lets connections be opened, and code become warm. */
async function warmUp({ answers }: Tally, progress: Progress): Promise<void> {
  progress.start('warming up', WARM_REQUESTS)
  const until = performance.now() + WARM_WITHIN_MS
  for (let known = 0; answers.length < WARM_REQUESTS && performance.now() < until; ) {
    await pause(LOOK_EVERY_MS)
    progress.advance(answers.length - known)
    known = answers.length
  }
  progress.finish(`warm: ${answers.length.toLocaleString('en')} requests`)
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** Milliseconds between two ticks. */
const STEP_MS = 5

let ownMs = 0
let tickedAt = 0
let cpuAtTick = 0
let timer: NodeJS.Timeout | undefined

/**
 * Milliseconds of CPU that this process has used. A busy machine does not change what a computation costs.
 */
export function cpuNow(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/**
 * Milliseconds from an arbitrary start, without those in which this process had to wait for a CPU: between
 * two ticks at most two steps and the CPU used count. To prove that something happens within a time limit,
 * measure with this clock: on an idle machine it is as fast as `performance.now()`.
 */
export function ownNow(): number {
  if (timer === undefined) {
    tickedAt = performance.now()
    cpuAtTick = cpuNow()
    timer = setInterval(tick, STEP_MS)
    timer.unref()
  }
  tick()
  return ownMs
}

function tick(): void {
  const [now, cpu] = [performance.now(), cpuNow()]
  ownMs += Math.min(now - tickedAt, 2 * STEP_MS + (cpu - cpuAtTick))
  tickedAt = now
  cpuAtTick = cpu
}

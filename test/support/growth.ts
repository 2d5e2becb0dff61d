/** The longer string has this many times the length of the shorter one. */
const FACTOR = 4
/** Linear work takes `FACTOR` times as long, quadratic work its square. */
const MOST = 2.2 * FACTOR
/** Below this CPU time, the clock and the garbage collector decide. */
const NOTABLE_MS = 15
const TRIES = 4

/**
 * Measures whether work takes more than linear time. Measures again before it reports that, because other
 * processes share the machine.
 *
 * @param work - Processes a string of the form that `write` returns for a number of repetitions.
 * @returns A description of the growth; `undefined`: it is linear, or too fast to tell.
 */
export function superlinear(
  work: (text: string) => unknown,
  write: (count: number) => string,
  count: number,
): string | undefined {
  let [small, large] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let nth = 0; nth < TRIES; nth += 1) {
    large = Math.min(
      large,
      cpuMs(() => work(write(count * FACTOR))),
    )
    if (large < NOTABLE_MS) return undefined
    small = Math.min(
      small,
      cpuMs(() => work(write(count))),
    )
    if (large < MOST * small) return undefined
  }
  return `${small.toFixed(1)} ms for ${count} repetitions, ${large.toFixed(1)} ms for ${FACTOR} times as many`
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

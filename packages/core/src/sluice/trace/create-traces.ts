import type { Mode } from '../../pipeline/scope.ts'
import type { Clock } from '../../shared/clock.ts'
import type { ChainParts } from '../chains.ts'
import { resultTtl } from '../result-policies.ts'
import { Traces } from './traces.ts'

/**
 * Creates the traces of a Sluice with these parts. The code that records is loaded with the first one.
 *
 * @param mode - The mode of operations outside any scope.
 */
export function createTraces(parts: ChainParts, clock: Clock, mode: () => Mode): Traces {
  const { options, scopes, catalogs, warn, onError } = parts
  const { cache, context } = options
  return new Traces({
    ttlMs: resultTtl(cache) * 1_000,
    now: () => clock.now(),
    wall: () => clock.wall(),
    warn,
    onError,
    createRecorder: async (write) => {
      const [{ TraceRecorder }, { createJudge }] = await Promise.all([
        import('./trace-recorder.ts'),
        import('./create-judge.ts'),
      ])
      const judge = createJudge(parts)
      return new TraceRecorder({ scopes, catalogs, clock, mode, judge, write, variant: context, onError })
    },
  })
}

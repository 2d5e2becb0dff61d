import type { Clock } from '../../shared/clock.ts'
import type { RandomSource } from '../../shared/random.ts'
import { LeastConnectionsPicker } from './least-connections.ts'
import type { PickableNode, Picker } from './picker.ts'
import { RandomPicker, TwoChoicesPicker } from './random.ts'
import { RendezvousPicker } from './rendezvous.ts'
import { EarliestDeadlinePicker, RoundRobinPicker } from './round-robin.ts'

/**
 * - `round-robin`: each node in sequence.
 * - `least-connections`: the fewest connections relative to the weight.
 * - `weighted`: each node as often as its weight, spread evenly.
 * - `ip-hash`: the same node for the same client; if a node is removed, only its clients move.
 * - `random`: a random node.
 * - `p2c`: of two random nodes, the one with fewer connections relative to its weight.
 * - `peak-ewma`: of two random nodes, the one with fewer connections and faster responses.
 */
export type BalancingStrategy =
  | 'round-robin'
  | 'least-connections'
  | 'weighted'
  | 'ip-hash'
  | 'random'
  | 'p2c'
  | 'peak-ewma'

export const balancingStrategies: readonly BalancingStrategy[] = [
  'round-robin',
  'least-connections',
  'weighted',
  'ip-hash',
  'random',
  'p2c',
  'peak-ewma',
]

/**
 * Time constant in milliseconds in which a slow response decays by about two thirds, so that a node without
 * requests is tried again.
 */
const FADE_MS = 10_000

export function createPicker<TNode extends PickableNode>(
  strategy: BalancingStrategy,
  { clock, random }: { readonly clock: Clock; readonly random: RandomSource },
): Picker<TNode> {
  switch (strategy) {
    case 'round-robin':
      return new RoundRobinPicker()
    case 'least-connections':
      return new LeastConnectionsPicker()
    case 'weighted':
      return new EarliestDeadlinePicker(({ share }) => share)
    case 'ip-hash':
      return new RendezvousPicker(new RoundRobinPicker(), ({ weight, steadyFactor }) => weight * steadyFactor)
    case 'random':
      return new RandomPicker(random)
    case 'p2c':
      return new TwoChoicesPicker(random, ({ activeConnections, share }) => (activeConnections + 1) / share)
    case 'peak-ewma':
      return new TwoChoicesPicker(random, ({ activeConnections, share, peakMs, peakAt }) => {
        const ms = peakMs * Math.exp((peakAt - clock.now()) / FADE_MS)
        return ((activeConnections + 1) * Math.max(1, ms)) / share
      })
  }
}

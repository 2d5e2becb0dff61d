import type { Clock } from '../../shared/clock.ts'
import type { RandomSource } from '../../shared/random.ts'
import type { NodeState } from '../node-state.ts'
import { type BalancingStrategy, createPicker } from '../strategies/create-picker.ts'
import { Distances } from './distances.ts'
import type { RegionOptions } from './region-options.ts'
import { RegionPicker } from './region-picker.ts'

const UNKNOWN_REGION_MS = 100
const UNKNOWN_ZONE_MS = 1

export interface RegionsParts {
  readonly clock: Clock
  readonly random: RandomSource
  readonly strategy: () => BalancingStrategy
}

/** The regions of a balancer's nodes, and the zones of the local one. */
export class Regions {
  readonly picker: RegionPicker<NodeState>
  readonly #regions: Distances
  readonly #zones: Distances | undefined

  constructor(
    readonly options: RegionOptions,
    { clock, random, strategy }: RegionsParts,
  ) {
    const { local, zone, rttMs, stay = 1 } = options
    this.#regions = new Distances(local, rttMs)
    const zones = zone === undefined ? undefined : new Distances(zone)
    this.#zones = zones
    const keepsClients = () => strategy() === 'ip-hash'
    const common = { stay, keepsClients, clock, random }
    const create = () => createPicker<NodeState>(strategy(), { clock, random })
    this.picker = new RegionPicker({
      ...common,
      distances: this.#regions,
      placeOf: ({ region }) => region ?? '',
      create: (region) =>
        zones === undefined || region !== local
          ? create()
          : new RegionPicker({
              ...common,
              distances: zones,
              create,
              unknownRttMs: UNKNOWN_ZONE_MS,
              placeOf: (node) => node.zone ?? '',
            }),
      unknownRttMs: UNKNOWN_REGION_MS,
    })
  }

  /** Milliseconds; `undefined`: unknown. */
  rttMsOf(region: string): number | undefined {
    return this.#regions.of(region)
  }

  /** A node of this place was reached, there and back, within this time. */
  measured({ region, zone }: Pick<NodeState, 'region' | 'zone'>, ms: number): void {
    if (region === undefined) return
    const isNearer = this.#regions.measured(region, ms)
    const isNearerZone =
      region === this.options.local && zone !== undefined && this.#zones?.measured(zone, ms) === true
    if (isNearer || isNearerZone) this.picker.sort()
  }
}
